/** What a cluster's words about a pod mean. Pure. */
import type { FailureKind } from '../../domain/failure';
import type { CommandExit } from '../backend';

/** As far as it is read here; the client's own types fit. */
export interface Pod {
  readonly metadata?: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface Job {
  readonly metadata?: { readonly name?: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

interface ContainerStatus {
  readonly imageID?: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: object;
    readonly terminated?: {
      readonly exitCode: number;
      readonly signal?: number;
      readonly reason?: string;
      readonly message?: string;
    };
  };
}

export type PodReading =
  /** `stuck`: what it would fail of, if that does not change soon. */
  | { readonly phase: 'waiting'; readonly why: string; readonly stuck: FailureKind | null }
  | { readonly phase: 'running'; readonly node: string; readonly image: string }
  | { readonly phase: 'ended'; readonly exit: Pick<CommandExit, 'exitCode' | 'signal' | 'failure'> };

/** What only another image or another word in the definition mends. */
const TASKS_FAULT = new Set([
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);
const PULLING = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable']);
const HOPELESS_PULL = /not found|unknown|denied|unauthorized|does not exist|invalid|forbidden/i;
/** The node was taken away under the pod, or did not take it. */
const LOST = new Set(['Evicted', 'NodeLost', 'Shutdown', 'NodeShutdown', 'Terminated', 'Preempting', 'Preempted']);

/** A pod of a Job that is there; the Job alone when it has none yet. */
export function readPod(
  job: Job | undefined,
  pod: Pod | undefined,
  limits: { readonly memoryBytes?: number },
): PodReading {
  const { status = {} } = pod ?? {};
  const container = status.containerStatuses?.[0];
  const { terminated, running, waiting } = container?.state ?? {};
  const ended = (failure?: CommandExit['failure'], exitCode: number | null = null): PodReading => ({
    phase: 'ended',
    exit: { exitCode, signal: null, ...(failure ? { failure } : {}) },
  });
  const words = sentence(status.message ?? terminated?.message);

  const disrupted = status.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  if (status.phase === 'Failed') {
    const { reason = '' } = status;
    if (reason === 'DeadlineExceeded')
      return ended({ kind: 'TIMEOUT', message: `The cluster ended the pod: it ran longer than its deadline.` });
    // A node that is short of memory or disk evicts pods, whatever their own limits say.
    if (LOST.has(reason) || disrupted)
      return ended({
        kind: 'LOST',
        message: `The cluster took the pod away (${reason || disrupted?.reason}).${words}`,
      });
    if (!terminated)
      return ended({
        kind: 'MACHINE',
        message: `The node did not run the pod (${reason || 'without a reason'}).${words}`,
      });
  }
  if (terminated) {
    const { exitCode, reason } = terminated;
    if (reason === 'OOMKilled') return ended(outOfMemory(limits.memoryBytes), exitCode);
    if (reason === 'ContainerCannotRun' || reason === 'StartError')
      return ended({ kind: 'NOT_STARTED', message: `The command could not be started in its image.${words}` });
    if (reason === 'ContainerStatusUnknown')
      return ended({ kind: 'LOST', message: `The cluster does not know how the command ended.${words}` });
    return ended(undefined, exitCode);
  }
  if (running) return { phase: 'running', node: pod?.spec?.nodeName ?? 'a node', image: container?.imageID ?? '' };
  if (status.phase === 'Unknown') return { phase: 'waiting', why: 'its node does not answer', stuck: null };

  const failed = job?.status?.conditions?.find(({ type, status }) => type === 'Failed' && status === 'True');
  if (failed && !pod) {
    const kind = failed.reason === 'DeadlineExceeded' ? 'TIMEOUT' : 'LOST';
    return ended({ kind, message: `The cluster gave the job up (${failed.reason}).${sentence(failed.message)}` });
  }
  return readWaiting(waiting, status.conditions ?? [], pod !== undefined);
}

function readWaiting(
  waiting: { readonly reason?: string; readonly message?: string } | undefined,
  conditions: readonly Condition[],
  there: boolean,
): PodReading {
  const { reason = '', message } = waiting ?? {};
  const why = `${reason}${sentence(message, ':')}`;
  if (PULLING.has(reason)) {
    const stuck = HOPELESS_PULL.test(message ?? '') ? 'NOT_STARTED' : 'MACHINE';
    return { phase: 'waiting', why: `its image cannot be pulled (${why})`, stuck };
  }
  if (TASKS_FAULT.has(reason))
    return { phase: 'waiting', why: `its container cannot be made (${why})`, stuck: 'NOT_STARTED' };
  const unscheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled)
    return {
      phase: 'waiting',
      why: `no node takes it (${unscheduled.reason}${sentence(unscheduled.message, ':')})`,
      stuck: null,
    };
  return { phase: 'waiting', why: there ? reason || 'it has a node' : 'it has no pod yet', stuck: null };
}

const MAX_WORDS = 500;

function sentence(message: string | undefined, before = ''): string {
  const words = (message ?? '').replace(/\s+/g, ' ').trim().slice(0, MAX_WORDS);
  return words === '' ? '' : `${before} ${words}`;
}

function outOfMemory(memoryBytes: number | undefined): CommandExit['failure'] {
  const limit = memoryBytes === undefined ? 'the limit of its namespace' : `${Math.floor(memoryBytes / 1024 ** 2)} MB`;
  const message = `The command used more memory than it may (${limit}), and was ended for that. Raise the task's resources if it needs more.`;
  return { kind: 'OUT_OF_MEMORY', message };
}
