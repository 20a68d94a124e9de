/**
 * A stand-in for OpenPBS: `qsub`, `qstat`, `qdel` and `qselect` that answer in its words, as recorded, and run jobs as processes
 * of this machine. It shows that we speak the language, not that a real server understands it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const QSUB = String.raw`
name= range=
while [ $# -gt 0 ]; do
  case $1 in
    -N) name=$2; shift ;;
    -J) range=$2; shift ;;
    -q) [ "$2" = workq ] || { echo "qsub: Unknown queue" >&2; exit 170; }; shift ;;
    -*) shift ;;
  esac
  shift
done
exec 9>"$home/lock"; flock 9
number=$(( $(cat "$home/last" 2>/dev/null || echo 0) + 1 ))
echo "$number" >"$home/last"
mkdir "$home/jobs/$number"
cat >"$home/jobs/$number/script"
echo "$name" >"$home/jobs/$number/name"
begin() { # ID INDEX
  folder=$home/jobs/$number/$1
  mkdir "$folder"
  PBS_JOBID=$1 PBS_ARRAY_INDEX=$2 setsid sh -c '
    echo $$ >"$1/pid"
    setsid sh "$2" >/dev/null 2>&1 </dev/null &
    echo $! >"$1/job"
    wait $!
    echo $? >"$1/status"' sh "$folder" "$home/jobs/$number/script" >/dev/null 2>&1 </dev/null 9>&- &
}
if [ -n "$range" ]; then
  for index in $(seq "${'$'}{range%-*}" "${'$'}{range#*-}"); do begin "$number[$index].pbs01" "$index"; done
  echo "$number[].pbs01"
else
  begin "$number.pbs01" ''
  echo "$number.pbs01"
fi
`;

const QSTAT = String.raw`
case " $* " in *" -B "*) printf 'Server: pbs01\n    server_state = Active\n    pbs_version = 20.0.1\n'; exit ;; esac
failed=0
for id; do
  case $id in -*) continue ;; esac
  number=${'$'}{id%%[.[]*}
  [ -d "$home/jobs/$number" ] || { echo "qstat: Unknown Job Id $id" >&2; failed=153; continue; }
  case $id in *'[]'*) printf 'Job Id: %s\n    Job_Name = %s\n    job_state = B\n    array = True\n\n' "$id" "$(cat "$home/jobs/$number/name")" ;; esac
  for folder in "$home/jobs/$number"/*.pbs01; do
    printf 'Job Id: %s\n    Job_Name = %s\n' "${'$'}{folder##*/}" "$(cat "$home/jobs/$number/name")"
    if [ -e "$folder/status" ]; then
      status=$(cat "$folder/status")
      substate=92
      [ -e "$folder/deleted" ] && substate=91
      [ "$status" -gt 128 ] && status=$((status + 128))
      case $id in *'[]'*) state=X ;; *) state=F ;; esac
      printf '    job_state = %s\n    substate = %s\n    Exit_status = %s\n' "$state" "$substate" "$status"
    else
      printf '    job_state = R\n    exec_host = node7/0*4\n'
    fi
    printf '    Variable_List = PBS_O_HOME=/home/ada,PBS_O_LANG=C.UTF-8,\n\tPBS_O_SYSTEM=Linux\n\n'
  done
done
exit $failed
`;

const QDEL = String.raw`
for id; do
  folder=$home/jobs/${'$'}{id%%[.[]*}/$id
  [ -e "$folder/job" ] || { echo "qdel: Unknown Job Id $id" >&2; exit 153; }
  [ -e "$folder/status" ] && continue
  touch "$folder/deleted"
  kill -TERM "$(cat "$folder/job")"
done
`;

const QSELECT = String.raw`
while [ $# -gt 0 ]; do [ "$1" = -N ] && name=$2; shift; done
for job in "$home"/jobs/*; do
  [ "$(cat "$job/name" 2>/dev/null)" = "$name" ] || continue
  number=${'$'}{job##*/}
  if [ -d "$job/$number.pbs01" ]; then echo "$number.pbs01"; else echo "$number[].pbs01"; fi
done
`;

/** Writes the commands below `home`; returns the folder that they are in. */
export function pbsStandIn(home: string): string {
  const bin = join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(home, 'jobs'), { recursive: true });
  for (const [name, script] of Object.entries({ qsub: QSUB, qstat: QSTAT, qdel: QDEL, qselect: QSELECT }))
    writeFileSync(join(bin, name), `#!/bin/bash\nhome='${home}'\n${script}`, { mode: 0o755 });
  return bin;
}
