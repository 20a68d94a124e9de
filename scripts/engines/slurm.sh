# Slurm on one node, with a munge of its own. Nothing of it is shared with a Slurm that is here already but the ports.
packages=(slurmctld slurmd slurm-client munge)
services=(munge.service slurmctld.service slurmd.service)

export SLURM_CONF=$state/slurm.conf
munge_socket=$state/munge/munge.socket
node=$(hostname -s)

# More than the machine has, so that a hundred jobs run at once; what each may use is held per job.
cpus=128
memory_mb=65536

prepare() {
  need_root "Setting up Slurm"
  mkdir -p "$state"/{munge,controller,node,log}
  chmod 755 "$state" "$state/munge"
  [ -e "$state/munge/munge.key" ] || quietly mungekey --create --keyfile "$state/munge/munge.key"
  cat >"$SLURM_CONF" <<CONF
ClusterName=stepcast
SlurmctldHost=$node
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$munge_socket
CredType=cred/munge

StateSaveLocation=$state/controller
SlurmdSpoolDir=$state/node
SlurmctldPidFile=$state/controller/slurmctld.pid
SlurmdPidFile=$state/node/slurmd.pid
SlurmctldLogFile=$state/log/slurmctld.log
SlurmdLogFile=$state/log/slurmd.log

# Without systemd.
ProctrackType=proctrack/linuxproc
$(memory_limits)
MpiDefault=none
ReturnToService=2
SlurmctldParameters=idle_on_node_suspend
SlurmdParameters=config_overrides

# A job begins within a second.
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=1,sched_interval=1,default_queue_depth=1000,defer_batch
SchedulerTimeSlice=5
InactiveLimit=0
# On a busy machine a job that did not begin in time would be started twice.
BatchStartTimeout=100
KillWait=5
MaxArraySize=10001
MaxJobCount=50000
MinJobAge=300

# CPUs and memory are given out.
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=256
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1

# Ended jobs are told by a file, where there is no accounting database.
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$state/jobcomp.log

NodeName=$node CPUs=$cpus Boards=1 SocketsPerBoard=1 CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$memory_mb State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE DefaultTime=60 State=UP OverSubscribe=NO
PartitionName=short Nodes=$node Default=NO MaxTime=5 DefaultTime=1 State=UP OverSubscribe=NO
CONF
}

# Control groups tell OUT_OF_MEMORY. Without them the node looks at each job every second and kills what takes too much,
# which Slurm tells as FAILED with signal 9, and by a line in the job's standard error.
memory_limits() {
  if [ -w /sys/fs/cgroup/memory/tasks ]; then
    printf '%s\n' CgroupPlugin=cgroup/v1 CgroupAutomount=no ConstrainRAMSpace=yes >"$state/cgroup.conf"
    echo TaskPlugin=task/cgroup
  else
    rm -f "$state/cgroup.conf"
    printf '%s\n' TaskPlugin=task/none JobAcctGatherParams=OverMemoryKill
  fi
}

start() {
  need_root "Starting Slurm"
  daemon munge munged "munge answers" munge_answers \
    munged --foreground --force --socket="$munge_socket" --key-file="$state/munge/munge.key" \
    --pid-file="$state/munge/munged.pid" --log-file="$state/log/munged.log" --seed-file="$state/munge/munged.seed"
  daemon slurmctld slurmctld "slurmctld answers" controller_answers slurmctld -D
  daemon slurmd slurmd "the node $node is up" node_is_up slurmd -D -N "$node"
}

munge_answers() { munge --no-input --socket "$munge_socket"; }

controller_answers() { scontrol ping | grep -q 'is UP'; }

node_is_up() { sinfo --noheader --format %T | grep -qE '^(idle|mixed|allocated|completing)'; }

# Jobs go on without the daemons, and are found again when these are back.
stop() {
  end_daemon slurmctld slurmctld
  end_daemon slurmd slurmd
  end_daemon munge munged
}

prove() {
  local job
  job=$(sbatch --parsable --job-name=stepcast-proof --time=1 --output=/dev/null --chdir=/ --wrap 'exit 0')
  wait_until "job $job of Slurm has ended" job_completed "$job"
  sinfo --version
}

job_completed() { scontrol --oneliner show job "$1" | grep -q 'JobState=COMPLETED'; }

settings() {
  setting SLURM_CONF "$SLURM_CONF"
  setting STEPCAST_TEST_SLURM_JOBCOMP "$state/jobcomp.log"
}
