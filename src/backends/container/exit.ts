/** What the end of a container means. Pure. */
import type { ExitRules } from '../../domain/definitions';
import type { CommandExit } from '../backend';
import type { EngineFacts } from './facts';

/** As far as it is read here. */
export interface ContainerState {
  readonly Status: string;
  readonly ExitCode: number;
  readonly OOMKilled?: boolean;
}

/** Whether it runs, has ended, or never ran: after a restart of its machine an engine may remember one without its end. */
export function phaseOf({ Status }: ContainerState): 'running' | 'ended' | 'never-ran' {
  if (['exited', 'dead', 'stopped'].includes(Status)) return 'ended';
  return ['created', 'configured', 'initialized'].includes(Status) ? 'never-ran' : 'running';
}

export interface EndContext {
  readonly product: EngineFacts['product'];
  readonly exitRules: ExitRules;
  readonly memoryBytes: number | undefined;
  readonly init: boolean;
  readonly program: string;
  readonly image: string;
  /** The engine was away meanwhile, or nobody saw the end. */
  readonly interrupted: boolean;
  /** The worker asked for its end. */
  readonly ended: boolean;
  readonly firstError: string;
}

const KILLED = 137;
const TERMINATED = 143;
/** Docker's word for one whose end it did not see. */
const UNSEEN = 255;
const NOT_FOUND = 127;
/** What the first processes of Docker and Podman say when there is no such program. */
const INIT_FAILED = /^\[FATAL\s+tini|ERROR \(catatonit:\d+\)|exec pid1/;

/** `state` is null when the container is not there any more. */
export function readEnd(
  state: ContainerState | null,
  context: EndContext,
): Pick<CommandExit, 'exitCode' | 'signal' | 'failure'> {
  if (state === null || phaseOf(state) !== 'ended') {
    const message =
      state === null
        ? 'The container was removed by somebody else while it ran.'
        : 'The container engine was started again meanwhile, and the container is not running any more.';
    return { exitCode: null, signal: null, ...(context.ended ? {} : { failure: { kind: 'LOST', message } }) };
  }
  const { ExitCode: exitCode } = state;
  const told = { exitCode, signal: null };
  const { success, terminate } = context.exitRules;
  if (context.ended || success.includes(exitCode) || terminate.includes(exitCode)) return told;
  if (isOutOfMemory(state, context))
    return { ...told, failure: { kind: 'OUT_OF_MEMORY', message: outOfMemory(state, context) } };
  const byEngine =
    exitCode === KILLED || exitCode === TERMINATED || (exitCode === UNSEEN && context.product === 'docker');
  if (context.interrupted && byEngine)
    return {
      ...told,
      failure: {
        kind: 'LOST',
        message: `The container ended with ${exitCode} while nobody saw it: most likely its engine was stopped, or started again.`,
      },
    };
  if (context.init && exitCode === NOT_FOUND && INIT_FAILED.test(context.firstError))
    return { ...told, failure: { kind: 'NOT_STARTED', message: notFound(context.program, context.image) } };
  return told;
}

export function notFound(program: string, image: string): string {
  return `The image ${image} has no program \`${program}\` that can be run. Give its full path, or choose another image.`;
}

/** Docker knows. Podman on some systems sees only that the first process was killed. */
function isOutOfMemory(
  { OOMKilled, ExitCode }: ContainerState,
  { memoryBytes, product, interrupted }: EndContext,
): boolean {
  if (OOMKilled) return true;
  return product === 'podman' && memoryBytes !== undefined && ExitCode === KILLED && !interrupted;
}

function outOfMemory({ OOMKilled }: ContainerState, { memoryBytes }: EndContext): string {
  const limit = memoryBytes === undefined ? 'what its machine has' : `${Math.floor(memoryBytes / 1024 ** 2)} MB`;
  return OOMKilled
    ? `The container used more memory than it may (${limit}), and a process in it was ended for that. Raise the task's resources if it needs more.`
    : `The container was killed, most likely for using more memory than it may (${limit}). Raise the task's resources if it needs more.`;
}
