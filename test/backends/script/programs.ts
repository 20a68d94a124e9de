/** The programs of the conformance suite, as far as they are the same in all languages of scripts. */
import type { OutputPort, TaskSpec } from '../../../src/domain/definitions';
import { scalar, type ValueType } from '../../../src/domain/values';
import type { Programs } from '../conformance/programs';
import { COPY_PORTS } from '../conformance/programs';
import { inputPort, outputPort, task } from '../support';

/** A Task of source code. */
export const scriptTask = (source: string, more: Partial<TaskSpec> = {}): TaskSpec =>
  task([], { name: 'model', ...more, command: { kind: 'script', source } });

/** An output that is the variable of its name. */
export const returned = (name: string, type: ValueType = scalar('Any'), more: Partial<OutputPort> = {}): OutputPort =>
  outputPort(name, { from: 'value', read: 'json', glob: '', path: '', type, ...more });

/** The programs in one language, each as source code. */
export interface Sources {
  /** `copy` and `facts` are variables. */
  readonly copy: string;
  readonly carry: string;
  readonly say: (stdout: string, stderr: string) => string;
  /** Runs `sh -c script token` and waits for it. */
  readonly shell: (script: string, token: string) => string;
  readonly progress: string;
  readonly exit: (code: number) => string;
  readonly partial: string;
  /** Prints the environment variable GREETING. */
  readonly greet: string;
  readonly rename: (name: string) => string;
}

const STUBBORN = (text: string, token: string): string =>
  `trap "" TERM; ` +
  `sh -c "while :; do sleep 1; done" ${token} & ` +
  `setsid sh -c "trap : TERM; while :; do sleep 1; done" ${token} & ` +
  `(setsid sh -c "while :; do sleep 1; done" ${token} &) ; ` +
  `echo ${text}; echo aside >&2; wait`;

export function scriptPrograms(sources: Sources): Programs {
  return {
    copy: () =>
      scriptTask(sources.copy, { ...COPY_PORTS, outputs: [returned('copy', scalar('File')), returned('facts')] }),
    carry: () => scriptTask(sources.carry, { inputs: [inputPort('data')], outputs: [outputPort('big')] }),
    say: (stdout, stderr) => scriptTask(sources.say(stdout, stderr)),
    hang: (text, token, more) => scriptTask(sources.shell(STUBBORN(text, token), token), more),
    progress: () => scriptTask(sources.progress),
    exit: (code) => scriptTask(sources.exit(code)),
    partial: () => scriptTask(sources.partial, { outputs: [outputPort('first'), outputPort('second')] }),
    environment: (value) => scriptTask(sources.greet, { environment: { GREETING: value } }),
    rename: (name) =>
      scriptTask(sources.rename(name), {
        inputs: [inputPort('text')],
        outputs: [outputPort('named', { glob: '*result*', path: '' })],
      }),
    wait: (seconds, token) =>
      scriptTask(sources.shell(`echo run=$$-$(date +%s%N); sleep ${seconds}; echo done`, token)),
  };
}
