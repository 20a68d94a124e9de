# What the scripts of the engines share. Sourced, never run.
set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# In this order they are installed and started; a name is a file beside this one.
ENGINES=(python r octave bubblewrap podman slurm rserve gridengine spark)

if [ "$(id -u)" = 0 ]; then default_home=/var/lib/stepcast-engines; else default_home=$HOME/.stepcast-engines; fi
# Logs, keys and state of all engines.
home=${STEPCAST_TEST_ENGINES_HOME:-$default_home}
env_file=$home/engines.env

# Seconds that a daemon may take to come up, to answer or to end.
PATIENCE=${STEPCAST_TEST_ENGINES_PATIENCE:-60}
TAIL_LINES=30

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

need_root() {
  [ "$(id -u)" = 0 ] || fail "$1 must be done as root."
}

# The engines named, or all of them; a name that is none ends the script.
engines_named() {
  local name
  [ $# -gt 0 ] || set -- "${ENGINES[@]}"
  for name in "$@"; do
    [[ " ${ENGINES[*]} " == *" $name "* ]] || fail "There is no engine \"$name\". The engines are: ${ENGINES[*]}."
    printf '%s\n' "$name"
  done
}

# Holds off another of these scripts while this one works.
lock() {
  mkdir -p "$home/env.d"
  exec 9>"$home/lock"
  flock 9
}

# One action of one engine, in a process of its own: an error in it ends it alone.
engine() {
  bash "$here/engine.sh" "$@" 9>&-
}

# What the started engines tell about themselves, in one file for tests and for `set -a; . engines.env; set +a`.
write_env_file() {
  local file
  (
    umask 077
    for file in "$home"/env.d/*.env; do [ ! -e "$file" ] || cat "$file"; done >"$env_file.new"
  )
  mv "$env_file.new" "$env_file"
}

# A line of the file above.
setting() {
  printf "%s='%s'\n" "$1" "$2"
}

# Runs a command whose output matters only when it fails.
quietly() {
  local out
  out=$(mktemp)
  if "$@" >"$out" 2>&1; then
    rm -f "$out"
    return 0
  fi
  say "This failed: $*"
  tail -n "$TAIL_LINES" "$out" >&2
  rm -f "$out"
  return 1
}

# wait_until WHAT COMMAND...: tries the command until it succeeds.
wait_until() {
  local what=$1 end=$((SECONDS + PATIENCE))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$end" ]; then
      say "Waited for $PATIENCE s, and still not: $what"
      return 1
    fi
    sleep 0.2
  done
}

show_log() {
  [ ! -e "$1" ] || {
    say "The last lines of $1:"
    tail -n "$TAIL_LINES" "$1" >&2
  }
  return 1
}

port_answers() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Whether the process of this file lives and is still the program named: process ids are used again.
daemon_lives() {
  local pid
  pid=$(head -n 1 "$1" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$2"
}

# daemon NAME PROGRAM WHAT ANSWERS COMMAND...: starts a program that stays in the foreground, away from this terminal and in
# the state folder, with its process id in NAME.pid and what it says this time in NAME.log. It has started when ANSWERS succeeds.
daemon() {
  local pid_file=$state/$1.pid log=$state/$1.log program=$2 what=$3 answers=$4
  shift 4
  if ! daemon_lives "$pid_file" "$program"; then
    (cd "$state" && exec setsid "$@" >"$log" 2>&1 </dev/null) &
    echo $! >"$pid_file"
  fi
  wait_until "$what" answers_or_died "$answers" "$(cat "$pid_file")" || show_log "$log"
  daemon_lives "$pid_file" "$program" || {
    say "$program has ended by itself."
    show_log "$log"
  }
}

# One that has ended stays as a zombie until it is asked after. Its command line would not tell: while a process becomes
# another program, it has none for a moment.
answers_or_died() {
  case $(sed 's/.*) //' "/proc/$2/stat" 2>/dev/null) in '' | [ZX]*) return 0 ;; esac
  $1
}

# end_daemon NAME PROGRAM: asks it to end, and ends it when it does not.
end_daemon() {
  local pid_file=$state/$1.pid pid
  if daemon_lives "$pid_file" "$2"; then
    pid=$(head -n 1 "$pid_file")
    kill "$pid" 2>/dev/null || true
    wait_until "the end of $2" daemon_ended "$pid_file" "$2" || kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -f "$pid_file"
}

daemon_ended() {
  ! daemon_lives "$1" "$2"
}
