# Grid Engine on one host, in a cell of its own. Root may not submit to it: an ordinary user does.
packages=(gridengine-master gridengine-exec gridengine-client netbase)
services=(gridengine-master.service gridengine-exec.service)

export SGE_ROOT=$state/root SGE_CELL=default SGE_QMASTER_PORT=6444 SGE_EXECD_PORT=6445
user=stepcast-sge
admin=sgeadmin
common=$SGE_ROOT/$SGE_CELL/common
spool=$state/spool
host=$(hostname -s)

slots=128
# Address space, of which a job gets so much unless it asks (`qsub -l h_vmem=8G`), and of which there is so much in all.
job_memory=4G
memory=1024G
# Each running job has a group of its own out of these, by which all its processes are found.
groups=65400-65599

prepare() {
  need_root "Setting up Grid Engine"
  id "$user" >/dev/null 2>&1 || quietly useradd --create-home --home-dir "$state/home" --shell /bin/bash "$user"
  [ ! -e "$state/prepared" ] || return 0
  mkdir -p "$common" "$spool"/{database,master/job_scripts,node}
  for link in bin lib util utilbin; do ln -sfn "/var/lib/gridengine/$link" "$SGE_ROOT/$link"; done
  cat >"$common/bootstrap" <<CONF
admin_user              $admin
default_domain          none
ignore_fqdn             true
spooling_method         berkeleydb
spooling_lib            libspoolb
spooling_params         $spool/database
binary_path             /usr/sbin
qmaster_spool_dir       $spool/master
security_mode           none
listener_threads        2
worker_threads          2
scheduler_threads       1
CONF
  echo "$host" >"$common/act_qmaster"
  # The name must be the same from whichever side it is looked up, also where it stands for a loopback address.
  { echo "$host" && names_of_host; } | xargs >"$common/host_aliases"
  chown -R "$admin:" "$SGE_ROOT/$SGE_CELL" "$spool"
  global_configuration >"$state/configuration"
  (
    cd "$spool" || exit
    quietly setpriv --reuid "$admin" --regid "$admin" --clear-groups bash -c "
      set -e
      cd /usr/lib/gridengine
      ./spoolinit berkeleydb libspoolb '$spool/database' init
      ./spooldefaults configuration '$state/configuration'
      ./spooldefaults complexes /usr/share/gridengine/util/resources/centry
      ./spooldefaults usersets /usr/share/gridengine/util/resources/usersets
      ./spooldefaults managers $admin root"
  )
  touch "$state/prepared"
}

names_of_host() {
  { getent hosts "$host" "$(hostname)" localhost 127.0.0.1 || true; } | cut -d ' ' -f 2- | tr -s ' ' '\n' |
    { grep -vxF -e "$host" -e '' || true; } | sort -u
}

global_configuration() {
  local reporting="accounting=true reporting=false flush_time=00:00:01 accounting_flush_time=00:00:01"
  sed -E \
    -e "s#^(execd_spool_dir +).*#\1$spool/node#" \
    -e "s#^(shell_start_mode +).*#\1unix_behavior#" \
    -e "s#^(load_report_time +).*#\100:00:05#" \
    -e "s#^(max_unheard +).*#\100:00:30#" \
    -e "s#^(finished_jobs +).*#\11000#" \
    -e "s#^(execd_params +).*#\1ENABLE_ADDGRP_KILL=true PDC_INTERVAL=1#" \
    -e "s#^(reporting_params +).*#\1$reporting joblog=false sharelog=00:00:00#" \
    -e "s#^(gid_range +).*#\1$groups#" \
    /usr/share/gridengine/default-configuration
}

start() {
  need_root "Starting Grid Engine"
  # In the foreground it tells each second what it has scheduled.
  SGE_ND=true daemon master sge_qmaster "the master answers" 'qconf -sm' bash -c 'exec sge_qmaster >/dev/null'
  is_configured || configure_cell
  SGE_ND=true daemon node sge_execd "the host $host is up" host_is_up sge_execd
}

# Reads a setting of the master, changes it, and gives it back: edit 'qconf -ssconf' 'qconf -Msconf' SED...
edit() {
  local show=$1 change=$2 file=$state/edit
  shift 2
  $show >"$file.old"
  sed -E "$@" "$file.old" >"$file"
  quietly $change "$file"
  rm -f "$file" "$file.old"
}

configure_cell() {
  quietly qconf -as "$host"
  edit 'qconf -ssconf' 'qconf -Msconf' \
    -e 's/^(schedule_interval +).*/\10:0:1/' -e 's/^(flush_submit_sec +).*/\11/' -e 's/^(flush_finish_sec +).*/\11/' \
    -e 's/^(job_load_adjustments +).*/\1NONE/' -e 's/^(load_adjustment_decay_time +).*/\10:0:0/'
  # Memory is given out, and held by a limit on the address space. A default of nothing would be a limit of nothing.
  edit 'qconf -sc' 'qconf -Mc' -e "s/^(h_vmem +\S+ +\S+ +\S+ +YES +)\S+ +\S+( +\S+)/\1YES $job_memory\2/"
  host_form | put "$host" -sel e
  printf '%s\n' 'group_name @allhosts' "hostlist $host" | put @allhosts -shgrpl hgrp
  environment_form | put smp -spl p
  queue_form | put all.q -sql q
  configuration_key >"$state/configured"
}

configuration_key() { cksum <"$here/gridengine.sh"; }

is_configured() { [ "$(configuration_key)" = "$(cat "$state/configured" 2>/dev/null)" ]; }

# put NAME LIST KIND: what is read from standard input is changed if the list has it, and else added.
put() {
  local change=-A
  cat >"$state/form"
  # The list ends with an error when it is empty.
  ! qconf "$2" 2>/dev/null | grep -xF "$1" >/dev/null || change=-M
  quietly qconf "$change$3" "$state/form"
  rm -f "$state/form"
}

host_form() {
  printf '%s\n' "hostname $host" 'load_scaling NONE' "complex_values h_vmem=$memory" 'user_lists NONE' \
    'xuser_lists NONE' 'projects NONE' 'xprojects NONE' 'usage_scaling NONE' 'report_variables NONE'
}

# Several slots for one job on one host: `qsub -pe smp 4`.
environment_form() {
  printf '%s\n' 'pe_name smp' "slots $slots" 'user_lists NONE' 'xuser_lists NONE' 'start_proc_args NONE' \
    'stop_proc_args NONE' 'allocation_rule $pe_slots' 'control_slaves FALSE' 'job_is_first_task TRUE' \
    'urgency_slots min' 'accounting_summary FALSE' 'qsort_args NONE'
}

queue_form() {
  printf '%s\n' 'qname all.q' 'hostlist @allhosts' "slots $slots" 'pe_list smp' 'qtype BATCH INTERACTIVE' \
    'shell /bin/bash' 'shell_start_mode unix_behavior' 'tmpdir /tmp' 'notify 00:00:05' 'rerun FALSE' 'seq_no 0' \
    'priority 0' 'nsuspend 1' 'suspend_interval 00:05:00' 'min_cpu_interval 00:05:00' 'initial_state default' 'processors UNDEFINED'
  printf '%s NONE\n' load_thresholds suspend_thresholds ckpt_list prolog epilog starter_method suspend_method \
    resume_method terminate_method owner_list user_lists xuser_lists subordinate_list complex_values projects \
    xprojects calendar
  printf '%s INFINITY\n' {s,h}_{rt,cpu,fsize,data,stack,core,rss,vmem}
}

host_is_up() { qstat -f -q "all.q@$host" | grep -E "^all.q@" | awk '$6 != "" { bad = 1 } END { exit bad }'; }

# Jobs go on without the daemons, and are found again when these are back.
stop() {
  end_daemon node sge_execd
  end_daemon master sge_qmaster
}

prove() {
  local job
  job=$(runuser -u "$user" -- qsub -terse -N stepcast-proof -cwd -wd / -o /dev/null -e /dev/null -b y -shell no true)
  wait_until "job $job of Grid Engine has ended" job_succeeded "$job"
  qstat -help | head -n 1
}

job_succeeded() { qacct -j "$1" | grep -qE '^exit_status +0'; }

settings() {
  setting SGE_ROOT "$SGE_ROOT"
  setting SGE_CELL "$SGE_CELL"
  setting SGE_QMASTER_PORT "$SGE_QMASTER_PORT"
  setting SGE_EXECD_PORT "$SGE_EXECD_PORT"
  setting STEPCAST_TEST_SGE_USER "$user"
}
