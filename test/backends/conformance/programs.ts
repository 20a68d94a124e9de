/** The small programs that the conformance suite runs, as Tasks: each kind of Backend writes them in its own language. */
import type { TaskSpec } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { inputPort, outputPort, task } from '../support';

/**
 * A program that does not exist says why in words: that the kind cannot do such a thing at all. Processes that a program
 * starts carry `token` in their command lines, so that they are found wherever they run on this machine.
 */
export interface Programs {
  /** Copies the File `text` to the File output `copy`; `facts` is {"who": the parameter `who`, "lines": its lines}. */
  readonly copy: () => TaskSpec;
  /** Copies the File `data`, whatever its size, to the File output `big`. */
  readonly carry: () => TaskSpec;
  /** Writes each text to its stream, as a line. */
  readonly say: (stdout: string, stderr: string) => TaskSpec | string;
  /**
   * Writes the text, and `aside` to standard error if the kind has one, and then runs on for ever, with children that do
   * all they can to survive.
   */
  readonly hang: (text: string, token: string, more?: Partial<TaskSpec>) => TaskSpec | string;
  /** Reports 42 percent, `halfway`. */
  readonly progress: () => TaskSpec | string;
  readonly exit: (code: number) => TaskSpec | string;
  /** Writes `half` to the output `first`, and exits with 3 before it comes to the output `second`. */
  readonly partial: () => TaskSpec | string;
  /** Writes the value of the environment variable GREETING. */
  readonly environment: (value: string) => TaskSpec | string;
  /** Copies the File `text` to a file named `name`, which the output `named` takes; writes the input's own base name. */
  readonly rename: (name: string) => TaskSpec | string;
  /** Writes `run=` and a number that is another each time, waits `seconds`, and writes `done`; carries the token. */
  readonly wait: (seconds: number, token: string) => TaskSpec | string;
}

/** The ports of `copy`. */
export const COPY_PORTS = {
  inputs: [inputPort('text')],
  parameters: [
    {
      name: 'who',
      description: '',
      type: scalar('string'),
      required: true,
      spacing: 'separate' as const,
      switch: false,
    },
  ],
};

const STUBBORN = (text: string, token: string): string => `
  trap '' TERM
  sh -c 'while :; do sleep 1; done' ${token} &
  setsid sh -c 'trap "" TERM; while :; do sleep 1; done' ${token} &
  (setsid sh -c 'while :; do sleep 1; done' ${token} &)
  echo "${text}"
  echo aside >&2
  wait
`;

/** For the kinds that run commands. */
export const shellPrograms: Programs = {
  copy: () =>
    task(
      {
        script:
          'cat "$text" > copy.txt; printf \'{"who": "%s", "lines": %d}\' "$who" "$(grep -c "" "$text")" > facts.json',
      },
      {
        ...COPY_PORTS,
        outputs: [
          outputPort('copy', { glob: 'copy.txt' }),
          outputPort('facts', { glob: 'facts.json', read: 'json', type: scalar('Any') }),
        ],
      },
    ),
  carry: () => task({ script: 'cat "$data" > big' }, { inputs: [inputPort('data')], outputs: [outputPort('big')] }),
  say: (stdout, stderr) => task(['sh', '-c', 'echo "$1"; echo "$2" >&2', 'sh', stdout, stderr]),
  hang: (text, token, more) => task(['sh', '-c', STUBBORN(text, token), token], more),
  progress: () => task(['sh', '-c', 'echo "::progress 42 halfway"']),
  exit: (code) => task(['sh', '-c', `exit ${code}`]),
  partial: () =>
    task(['sh', '-c', 'echo half > first; exit 3'], { outputs: [outputPort('first'), outputPort('second')] }),
  environment: (value) => task({ script: 'printf %s "$GREETING"' }, { environment: { GREETING: value } }),
  rename: (name) =>
    task(['sh', '-c', 'cp -- "$1" "$2"; basename -- "$1"', 'sh', { kind: 'input', port: 'text' }, name], {
      inputs: [inputPort('text')],
      outputs: [outputPort('named', { glob: '*result*', path: '' })],
    }),
  wait: (seconds, token) => task(['sh', '-c', `echo "run=$$-$(date +%s%N)"; sleep ${seconds}; echo done`, token]),
};
