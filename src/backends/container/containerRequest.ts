/** From an Attempt to what the engine is asked to create. Pure. */
import type { BackendSpec } from '../../domain/definitions';
import type { AttemptPlace, PreparedAttempt } from '../backend';
import { WORKER_VARIABLE } from '../process/identity';
import type { EngineFacts } from './facts';
import { environmentInside } from './inside';

/** Labels by which containers are found again, whoever started them. */
export const LABELS = {
  attempt: 'stepcast.attempt',
  /** The Attempt's directory: a container whose directory is gone is wanted no more. */
  directory: 'stepcast.directory',
  /** The machine of the worker. */
  host: 'stepcast.host',
  worker: 'stepcast.worker',
} as const;

/** Processes of one container, so that a fork bomb stays inside. */
const MAX_PROCESSES = 4_096;
/** Docker's own format keeps bytes as they are, where its usual one makes text of them. */
const DOCKER_LOG = { Type: 'local', Config: { 'max-size': '1000g', 'max-file': '1', compress: 'false' } };
const PODMAN_LOG = { Type: 'k8s-file', Config: {} };

export interface ContainerOf {
  readonly attempt: PreparedAttempt;
  readonly spec: BackendSpec<'CONTAINER'>;
  readonly image: string;
  readonly facts: EngineFacts;
  readonly init: boolean;
  /** The user inside, null for the image's own. */
  readonly user: string | null;
  readonly hostname: string;
  /** The folders of the Attempt that are seen inside; what its worker has noted beside them is not. */
  readonly folders: readonly string[];
}

/** The body of `POST /containers/create`. */
export function containerRequest(one: ContainerOf): Readonly<Record<string, unknown>> {
  const { attempt, spec, facts } = one;
  const { options } = spec;
  return {
    Image: one.image,
    // The words are the whole command: an image's own entry point would take them as its arguments.
    Entrypoint: commandOf(attempt),
    Cmd: [],
    WorkingDir: attempt.directory.out,
    ...(one.user === null ? {} : { User: one.user }),
    Env: environmentInside(attempt, spec).map(([name, value]) => `${name}=${value}`),
    Labels: labelsOf(one),
    AttachStdin: false,
    OpenStdin: false,
    Tty: false,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Mounts: mountsOf(one),
      NetworkMode: options.network,
      ...limitsOf(one),
      ...(one.init ? { Init: true } : {}),
      ...(options.readOnly ? { ReadonlyRootfs: true, Tmpfs: { '/tmp': '' } } : {}),
      ...(options.capDrop.length > 0 ? { CapDrop: options.capDrop } : {}),
      ...(options.runtime === undefined ? {} : { Runtime: options.runtime }),
      ...(facts.remapsUsers ? { UsernsMode: 'host' } : {}),
      SecurityOpt: ['no-new-privileges', ...(facts.selinux ? ['label=disable'] : [])],
      LogConfig: facts.product === 'podman' ? PODMAN_LOG : DOCKER_LOG,
      RestartPolicy: { Name: 'no' },
    },
  };
}

/** A file as standard input is opened inside: it is there under the same path, also when this worker is not any more. */
function commandOf({ argv, stdin }: PreparedAttempt): readonly string[] {
  return stdin === 'null' ? argv : ['/bin/sh', '-c', 'exec "$@" <"$0"', stdin.file, ...argv];
}

function labelsOf({ attempt, hostname }: ContainerOf): Record<string, string> {
  return {
    ...labelsFor(attempt.directory, hostname),
    [LABELS.attempt]: `${attempt.stepRunId}.${attempt.attempt}`,
    [LABELS.worker]: attempt.marks[WORKER_VARIABLE] ?? '',
  };
}

/** What the sweep needs to know of a container that belongs to an Attempt. */
export function labelsFor(directory: AttemptPlace, hostname: string): Record<string, string> {
  return { [LABELS.directory]: directory.root, [LABELS.host]: hostname };
}

function mountsOf({ folders, spec }: ContainerOf): readonly Readonly<Record<string, unknown>>[] {
  return [
    ...folders.map((folder) => ({ Type: 'bind', Source: folder, Target: folder })),
    ...spec.options.volumes.map(({ source, target, writable }) => ({
      Type: 'bind',
      Source: source,
      Target: target,
      ReadOnly: !writable,
    })),
  ];
}

/** Memory without swap beside it: what passes the limit is ended, and does not crawl on. */
function limitsOf({ attempt, facts }: ContainerOf): Record<string, number> {
  const { memoryBytes, cpus } = attempt.resources;
  return {
    ...(memoryBytes === undefined || !facts.limits.memory ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    ...(cpus === undefined || !facts.limits.cpus ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    ...(facts.limits.processes ? { PidsLimit: MAX_PROCESSES } : {}),
  };
}

/** The limits that the Task wants and this engine cannot hold, in words. */
export function unheldLimits({ attempt, facts }: Pick<ContainerOf, 'attempt' | 'facts'>): string[] {
  const { memoryBytes, cpus } = attempt.resources;
  return [
    ...(memoryBytes !== undefined && !facts.limits.memory ? ['memory'] : []),
    ...(cpus !== undefined && !facts.limits.cpus ? ['processor'] : []),
  ];
}
