/**
 * The script that runs one Attempt on the machine that the scheduler chose: a head of quoted data, and a body that is
 * always the same. It gives the command its directory and environment, notes how it ended, and ends what it left behind;
 * it needs nothing but bash, coreutils and grep there.
 */
import { StepcastError } from '../../domain/errors';
import { quote } from './quote';

/** The variable by which the processes of a job are found on its machine, whatever they have become. */
export const JOB_VARIABLE = 'STEPCAST_CLUSTER_JOB';

export interface RunnerRequest {
  /** The unique name of the job element. */
  readonly mark: string;
  /** The folder for what the script and Stepcast tell each other. */
  readonly folder: string;
  readonly cwd: string;
  readonly stdin: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Names of variables of the scheduler's that the command gets as well. */
  readonly keep: readonly string[];
}

/** The text of the script. Throws BAD_INPUT for what no command line can hold. */
export function runnerScript({ mark, folder, cwd, stdin, argv, env, keep }: RunnerRequest): string {
  const [program = ''] = argv;
  if (program === '') throw notStarted('The command is empty: its first word, the program, has no text.');
  const variables = Object.entries({ ...env, [JOB_VARIABLE]: mark }).map(([name, value]) => `${name}=${value}`);
  if ([...argv, ...variables].some((word) => word.includes('\0')))
    throw notStarted('The command or its environment holds a NUL character, which no system can pass on.');
  // To `env` a word with `=` in it would be one more variable.
  const words = program.includes('=') ? ['/bin/sh', '-c', 'exec "$0" "$@"', ...argv] : argv;
  const list = (name: string, items: readonly string[]): string => `${name}=(${items.map(quote).join(' ')})`;
  return [
    '#!/bin/bash',
    `mark=${quote(mark)}`,
    `folder=${quote(folder)}`,
    `cwd=${quote(cwd)}`,
    `stdin=${quote(stdin)}`,
    `program=${quote(program)}`,
    `search=${quote(env.PATH ?? '')}`,
    list('keep', keep),
    list('environment', variables),
    list('command', words),
    BODY,
  ].join('\n');
}

const notStarted = (message: string): StepcastError => new StepcastError('BAD_INPUT', message);

/** The script itself, in the folder of a job element. */
export const SCRIPT_FILE = 'run';
/** Made by Stepcast: everything has to end, whether the scheduler can be asked to do it or not. */
export const STOP_FILE = 'stop';
/**
 * What the script writes to. Stepcast makes the files beforehand, empty, so that the folder can stay its own even when the
 * job is another user's: nobody can put a link in their place.
 */
export const WRITTEN_FILES = {
  /** The name of the machine, when the script begins. */
  started: 'started',
  stdout: 'stdout',
  stderr: 'stderr',
  /** How it ended, when all has ended; see `parseEnd`. */
  exit: 'exit',
  report: 'report',
  peak: 'peak',
} as const;

const BODY = String.raw`
# Some schedulers start a job again when its machine did not answer in time, though it was begun or even done.
if [[ -s $folder/started ]]; then
  for ((round = 0; round < 50; round++)); do
    [[ $(tail -n 1 "$folder/exit") == end ]] && exit 0
    sleep .1
  done
  printf 'refused again\nend\n' >>"$folder/exit"
  exit 1
fi
# bash tells here of a command that a signal ended, which its exit code alone would not say.
exec 2>"$folder/report" </dev/null
read -r machine </proc/sys/kernel/hostname
printf '%s\n' "$machine" >"$folder/started"

finish() {
  {
    printf '%s\n' "$@"
    times
    printf 'sizes %s %s\n' $(stat -c %s "$folder/stdout" "$folder/stderr")
    printf 'end\n'
  } >"$folder/exit"
}
refuse() {
  finish "refused $1"
  exit 127
}

cd -- "$cwd" || refuse directory
if [[ $program == */* ]]; then
  [[ -e $program ]] || refuse missing
  [[ -f $program && -x $program ]] || refuse executable
else
  PATH=$search type -P -- "$program" >/dev/null || refuse missing
fi
for pattern in "${'$'}{keep[@]}"; do
  if [[ $pattern == *\* ]]; then names=$(compgen -A export -- "${'$'}{pattern%\*}"); else names=$pattern; fi
  for name in $names; do
    [[ -n ${'$'}{!name+set} ]] && environment=("$name=${'$'}{!name}" "${'$'}{environment[@]}")
  done
done

stopping=
trap 'stopping=TERM' TERM INT HUP XCPU
# Warnings that a scheduler was asked to send are the command's.
for warning in USR1 USR2; do trap "kill -s $warning -- -\$pid" $warning; done
set -m
env -i "${'$'}{environment[@]}" "${'$'}{command[@]}" <"$stdin" >>"$folder/stdout" 2>>"$folder/stderr" &
pid=$!

# Waits on a pipe that nobody writes to: no process for it, unlike sleep.
exec 9<> <(:)
pause() { read -rt "$1" -u 9; }

# The peak of memory, and a word from Stepcast when the scheduler cannot pass it on.
watch() {
  local peak=0 total key value _ index children pids delay
  trap - TERM INT HUP XCPU USR1 USR2
  for delay in .02 .05 .1 .2 .3; do look; pause "$delay"; done
  while look; do
    [[ -e $folder/stop ]] && kill -TERM $$
    pause 1
  done
}
look() {
  pids=("$pid") total=0
  for ((index = 0; index < ${'$'}{#pids[@]} && index < 256; index++)); do
    children=()
    read -ra children <"/proc/${'$'}{pids[index]}/task/${'$'}{pids[index]}/children"
    pids+=("${'$'}{children[@]}")
    while read -r key value _; do
      [[ $key == VmRSS: ]] && { total=$((total + value)); break; }
    done <"/proc/${'$'}{pids[index]}/status"
  done
  if ((total > peak)); then peak=$total; printf '%s\n' "$peak" >"$folder/peak"; fi
} 2>/dev/null
watch 2>/dev/null &
watcher=$!

members() {
  local file
  found=()
  while IFS=/ read -r _ _ file _; do [[ $file == "$$" ]] || found+=("$file"); done < <(
    grep -lzsxF -e "${JOB_VARIABLE}=$mark" /proc/[0-9]*/environ
  )
  ((${'$'}{#found[@]} > 0))
}
# To all that belongs to the job: the command's group at once, then whatever went elsewhere.
signal() {
  kill -s "$1" -- "-$pid"
  members && kill -s "$1" "${'$'}{found[@]}"
} 2>/dev/null
# $1: how many tenths of a second they have to end by themselves.
end_all() {
  local round
  members || return
  for ((round = 0; round < $1; round++)); do pause .1; members || return; done
  for ((round = 0; round < 50; round++)); do signal KILL; pause .05; members || return; done
}

ended_for=
while :; do
  if [[ -n $stopping && -z $ended_for ]]; then
    ended_for=$stopping
    signal TERM
    end_all 5
  fi
  wait "$pid"
  status=$?
  kill -0 "$pid" 2>/dev/null || break
done
: the report of a signal is written by now
reported=$ended_for
[[ -s $folder/report ]] && reported=yes
{ kill -KILL "$watcher"; wait "$watcher"; } 2>/dev/null
# What reads the last of its output ends by itself; what it left running does not.
if members; then
  pause .2
  if members; then signal TERM; end_all 5; fi
fi
peak=0
[[ -s $folder/peak ]] && read -r peak <"$folder/peak"
if ((status > 128)) && [[ -n $reported ]]; then how="signal $((status - 128))"; else how="code $status"; fi
finish "$how" "peak $peak" "stopped $stopping"
exit "$status"
`;
