import { DATA_JOBS, DATA_TASKS, dataValues } from './dataJobs';

/**
 * The mix of jobs. Each step writes `start <StepRun>.<Attempt>` and, when it is through, `end …` into a file outside of
 * the service: what ran is told from what counts. A step that meets a full disk asks for another try.
 */

const COMMON = `shell: true
exit-codes: { temporary: [75] }
retry: { attempts: 20, initial-delay: 100ms, max-delay: 1s, factor: 1.5 }`;

/** A step's script between its two lines in the ledger. `$start` and `$end` fail no step: the ledger is ours. */
function task(name: string, script: string, rest: string): string {
  const lines = ['trap "" XFSZ', 'echo "start $STEPCAST_ATTEMPT" >> "$ledger"', ...script.trim().split('\n')];
  const command = [...lines, 'echo "end $STEPCAST_ATTEMPT" >> "$ledger"'].map((line) => `  ${line.trim()}`).join('\n');
  return `task: ${name}\n${COMMON}\ncommand: |\n${command}\n${rest}`;
}

const parameters = (more = ''): string => `parameters: { ledger: { type: string }${more === '' ? '' : `, ${more}`} }`;
const NUMBER = 'value: { type: int }';
const RESULT = `outputs: { result: { path: result, read: json, type: int }, stamp: { path: stamp, read: text } }`;
const WRITE_STAMP = 'echo "$STEPCAST_ATTEMPT" > stamp || exit 75';
const LOUD_LINES = 4_000;
/** Attempts of the step `scarce` that may run at once. */
export const MAX_SCARCE = 2;

const LICENCE = `resource: licence\namount: 5`;

const TASKS = [
  task('add-one', `echo $((value + 1)) > result || exit 75\n${WRITE_STAMP}`, `${parameters(NUMBER)}\n${RESULT}`),
  task(
    'add-all',
    `echo $((a + b + c + d)) > result || exit 75\n${WRITE_STAMP}`,
    `${parameters('a: { type: int }, b: { type: int }, c: { type: int }, d: { type: int }')}\n${RESULT}`,
  ),
  task(
    'try-again',
    `[ "\${STEPCAST_ATTEMPT##*.}" -ge 3 ] || exit 75\necho $((value + 1)) > result || exit 75\n${WRITE_STAMP}`,
    `${parameters(NUMBER)}\n${RESULT}`,
  ),
  task('give-up', `exit 3`, `${parameters(NUMBER)}`),
  // So many at once, over all workers: a limit that nothing may break.
  task(
    'scarce',
    `sleep 0.1\necho $((value + 1)) > result || exit 75\n${WRITE_STAMP}`,
    `${parameters(NUMBER)}\n${RESULT}`,
  ).concat(`\nmax-running: ${MAX_SCARCE}\nuses: { licence: 2 }`),
  // Of 20 neighbours and more, some are a multiple of 10.
  task(
    'give-up-sometimes',
    `[ $((value % 10)) -ne 0 ] || exit 3\necho $((value + 1)) > result || exit 75\n${WRITE_STAMP}`,
    `${parameters(NUMBER)}\n${RESULT}`,
  ),
  task(
    'with-children',
    `sleep 0.7 & setsid sleep 0.7 & (setsid sleep 0.8 &)\nsleep 0.6\nwait
     echo $((value + 1)) > result || exit 75\n${WRITE_STAMP}`,
    `${parameters(NUMBER)}\n${RESULT}`,
  ),
  task(
    'loud',
    `n=0; while [ $n -lt ${LOUD_LINES} ]; do echo "line $n of many, to fill the log and the file"; n=$((n + 1)); done | tee lines || exit 75
     [ "$(wc -l < lines)" -eq ${LOUD_LINES} ] || exit 75
     echo $((value + 1)) > result || exit 75\n${WRITE_STAMP}`,
    `${parameters(NUMBER)}
outputs: { result: { path: result, read: json, type: int }, stamp: { path: stamp, read: text }, lines: lines }`,
  ),
  task('end-early', `exit 9`, `exit-code-rules`)
    .replace('exit-code-rules', parameters(NUMBER))
    .replace('temporary: [75]', 'temporary: [75], terminate: [9]'),
  task(
    'read-file',
    `read first < "$lines" || exit 75\n[ "$first" = "line 0 of many, to fill the log and the file" ] || exit 4
     echo $((value + 1)) > result || exit 75\n${WRITE_STAMP}`,
    `inputs: { lines: { type: File } }\n${parameters(NUMBER)}\n${RESULT}`,
  ),
];

const from = (value: string): string => `in: { ledger: ledger, value: ${value} }`;
const INPUTS = 'inputs: { ledger: string, start: int }';
const chain = (name: string, tasks: readonly string[]): string =>
  `job: ${name}\n${INPUTS}\nsteps:\n${tasks
    .map((one, index) => `  s${index}: { task: ${one}, ${from(index === 0 ? 'start' : `s${index - 1}.result`)} }`)
    .join('\n')}\noutputs: { value: s${tasks.length - 1}.result }`;

const JOBS = [
  chain('chain', ['add-one', 'add-one', 'add-one', 'add-one']),
  `job: fan
${INPUTS}
steps:
  split: { task: add-one, ${from('start')} }
${['a', 'b', 'c', 'd'].map((name) => `  ${name}: { task: add-one, ${from('split.result')} }`).join('\n')}
  join: { task: add-all, in: { ledger: ledger, a: a.result, b: b.result, c: c.result, d: d.result } }
outputs: { value: join.result }`,
  chain('retrying', ['add-one', 'try-again']),
  `job: failing
${INPUTS}
steps:
  first: { task: add-one, ${from('start')} }
  bad: { task: give-up, ${from('first.result')} }
  never: { task: add-one, ${from('first.result')}, after: [bad] }`,
  chain('limited', ['scarce', 'add-one', 'scarce']),
  chain('family', ['with-children', 'add-one']),
  `job: large
${INPUTS}
steps:
  write: { task: loud, ${from('start')} }
  read: { task: read-file, in: { ledger: ledger, value: write.result, lines: write.lines } }
outputs: { value: read.result }`,
  `job: early
${INPUTS}
steps:
  first: { task: add-one, ${from('start')} }
  ends: { task: end-early, ${from('first.result')} }
  never: { task: add-one, ${from('first.result')}, after: [ends] }`,
];

/** Definitions of all jobs of the mix. */
export const MIX = [LICENCE, ...TASKS, ...DATA_TASKS, ...JOBS, ...DATA_JOBS].join('\n---\n');

/** How a Submission ends that nobody cancels. */
interface Expected {
  readonly state: 'SUCCEEDED' | 'FAILED';
  /** The output `value`; null where there is none. */
  readonly value: (start: number) => number | null;
  /** Its part in the mix; jobs of many steps come seldom. */
  readonly weight: number;
}

const succeeds = (value: Expected['value'], weight: number): Expected => ({ state: 'SUCCEEDED', value, weight });
const fails = (weight: number): Expected => ({ state: 'FAILED', value: () => null, weight });

const EXPECTATIONS = {
  chain: succeeds((start) => start + 4, 6),
  fan: succeeds((start) => 4 * (start + 2), 6),
  retrying: succeeds((start) => start + 2, 6),
  failing: fails(5),
  family: succeeds((start) => start + 2, 6),
  limited: succeeds((start) => start + 3, 4),
  large: succeeds((start) => start + 2, 5),
  early: succeeds(() => null, 4),
  wide: succeeds(dataValues.wide, 1),
  inline: succeeds(dataValues.inline, 1),
  nested: succeeds(dataValues.nested, 4),
  conditional: succeeds(dataValues.conditional, 5),
  'failing-wide': fails(1),
} as const;

export type JobName = keyof typeof EXPECTATIONS;
export const EXPECTED: Readonly<Record<JobName, Expected>> = EXPECTATIONS;
export const JOB_NAMES = Object.keys(EXPECTATIONS) as JobName[];
