/** From an Attempt to the Job that a cluster is asked to create. Pure. */
import { sep } from 'node:path';
import type { BackendSpec } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { environmentInside } from '../container/inside';
import type { PreparedAttempt } from '../backend';

/** By which all pods and Jobs of Stepcast in a namespace are asked for together. */
export const MANAGED = { 'app.kubernetes.io/managed-by': 'stepcast' } as const;
/** In the Attempt's directory: what the command writes. Kubernetes' own log joins the streams, and is cut when it is long. */
export const STREAM_FILES = { stdout: 'stream.stdout', stderr: 'stream.stderr' } as const;

/** Between SIGTERM and SIGKILL. */
const GRACE_SECONDS = 2;
/** The cluster itself ends a pod so long after its timeout: only if no worker has. Pulling its image counts as well. */
const DEADLINE_MARGIN_SECONDS = 900;
const MAX_NAME = 63;
const PULL = { always: 'Always', missing: 'IfNotPresent', never: 'Never' } as const;

export interface JobOf {
  readonly attempt: PreparedAttempt;
  readonly spec: BackendSpec<'KUBERNETES'>;
  readonly name: string;
  readonly image: string;
  /** The worker's own: files belong to it. */
  readonly user: { readonly uid: number; readonly gid: number };
}

/** The whole Job. Throws CONFIGURATION when the Attempt's directory does not lie in the shared volume. */
export function jobRequest({ attempt, spec, name, image, user }: JobOf) {
  const { options } = spec;
  const { volume } = options;
  const { root, out } = attempt.directory;
  if (!root.startsWith(volume.path + sep))
    throw new StepcastError(
      'CONFIGURATION',
      `The worker's folder ${root} is not in the volume of backend "${spec.name}" (${volume.path}). Set STEPCAST_HOME to a folder in it.`,
    );
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels: MANAGED, annotations: { 'stepcast/attempt': `${attempt.stepRunId}.${attempt.attempt}` } },
    spec: {
      // Stepcast has rules of its own for another try.
      backoffLimit: 0,
      ttlSecondsAfterFinished: options.ttlSeconds,
      template: {
        metadata: { labels: MANAGED },
        spec: {
          restartPolicy: 'Never',
          activeDeadlineSeconds: Math.ceil(attempt.task.timeoutSeconds) + DEADLINE_MARGIN_SECONDS,
          terminationGracePeriodSeconds: GRACE_SECONDS,
          enableServiceLinks: false,
          automountServiceAccountToken: options.serviceAccount !== undefined,
          ...(options.serviceAccount === undefined ? {} : { serviceAccountName: options.serviceAccount }),
          ...(options.pullSecrets.length > 0
            ? { imagePullSecrets: options.pullSecrets.map((secret) => ({ name: secret })) }
            : {}),
          ...(Object.keys(options.nodeSelector).length > 0 ? { nodeSelector: { ...options.nodeSelector } } : {}),
          ...(options.tolerations.length > 0 ? { tolerations: options.tolerations.map(tolerationOf) } : {}),
          securityContext: { runAsUser: user.uid, runAsGroup: user.gid },
          containers: [
            {
              name: 'command',
              image,
              imagePullPolicy: PULL[options.pull],
              command: commandOf(attempt),
              workingDir: out,
              env: environmentInside(attempt, spec).map(([name, value]) => ({ name, value: literally(value) })),
              resources: resourcesOf(attempt),
              securityContext: { allowPrivilegeEscalation: false },
              volumeMounts: [
                {
                  name: 'shared',
                  mountPath: volume.path,
                  ...(volume.subPath === undefined ? {} : { subPath: volume.subPath }),
                },
              ],
            },
          ],
          volumes: [{ name: 'shared', persistentVolumeClaim: { claimName: volume.claim } }],
        },
      },
    },
  };
}

const tolerationOf = ({ key, value, effect }: BackendSpec<'KUBERNETES'>['options']['tolerations'][number]) => ({
  ...(key === undefined ? {} : { key }),
  ...(value === undefined ? { operator: 'Exists' } : { operator: 'Equal', value }),
  ...(effect === undefined ? {} : { effect }),
});

/** The streams go to files, exactly and apart; `$0` is the folder. The words themselves are never read by the shell. */
function commandOf({ argv, stdin, directory }: PreparedAttempt): string[] {
  const { stdout, stderr } = STREAM_FILES;
  const script = `exec "$@" >"$0/${stdout}" 2>"$0/${stderr}"`;
  if (stdin === 'null') return ['/bin/sh', '-c', `${script} </dev/null`, directory.root, ...argv].map(literally);
  const reading = `root=$0; from=$1; shift; exec "$@" >"$root/${stdout}" 2>"$root/${stderr}" <"$from"`;
  return ['/bin/sh', '-c', reading, directory.root, stdin.file, ...argv].map(literally);
}

/** Kubernetes reads `$(NAME)` and `$$` in words and values; a dollar sign that is doubled stands for itself. */
const literally = (text: string): string => text.replaceAll('$', '$$$$');

function resourcesOf({ resources: { memoryBytes, cpus } }: PreparedAttempt) {
  const amounts = {
    ...(memoryBytes === undefined ? {} : { memory: String(memoryBytes) }),
    ...(cpus === undefined ? {} : { cpu: String(cpus) }),
  };
  return { requests: amounts, limits: amounts };
}

/** A name that Kubernetes takes; `unique` keeps it apart from all others. */
export function jobName(
  { stepRunId, attempt }: Pick<PreparedAttempt, 'stepRunId' | 'attempt'>,
  unique: string,
): string {
  const plain = `stepcast-${stepRunId}-${attempt}`.toLowerCase().replace(/[^a-z0-9-]+/g, '-');
  // The pod's name is longer by a dash and five letters.
  return `${plain.slice(0, MAX_NAME - 6 - unique.length - 1).replace(/-+$/, '')}-${unique}`;
}
