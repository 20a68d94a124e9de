/** The calls to a cluster that run a Job, by the official client. */
import type * as Client from '@kubernetes/client-node' with { 'resolution-mode': 'import' };
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { KubernetesOptions } from '../../domain/backends/kubernetes';
import { messageOf, StepcastError } from '../../domain/errors';
import { MANAGED, type jobRequest } from './jobRequest';
import type { Job, Pod } from './readPod';

/** The cluster answered, and refused. */
export class ClusterRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ClusterRefusal';
  }
}

/** Everything throws ClusterRefusal, and UNAVAILABLE when the cluster does not answer. */
export interface Cluster {
  readonly namespace: string;
  /** Nothing when a Job of that name is there already. */
  create(job: ReturnType<typeof jobRequest>): Promise<void>;
  /** With its pod; nothing when it is not there. `gone` waits with the Job's own end for that of its pod. */
  remove(name: string, how: { readonly urgent: boolean }): Promise<void>;
  jobs(): Promise<readonly Job[]>;
  pods(): Promise<readonly Pod[]>;
  version(): Promise<string>;
}

const TIMEOUT_MS = 30_000;
const PAGE = 500;
/** Pages of one list: with more Jobs than that, none can be followed. */
const MAX_PAGES = 40;
const IN_CLUSTER_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const IN_CLUSTER_NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
const MAX_WORDS = 1_000;

/** Where the cluster's address and the worker's proof are found; null when nowhere. */
export function locateConfig(
  { kubeconfig }: Pick<KubernetesOptions, 'kubeconfig'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): 'file' | 'usual' | 'inside' | null {
  if (kubeconfig !== undefined) return 'file';
  if (environment['KUBECONFIG'] || existsSync(join(homedir(), '.kube/config'))) return 'usual';
  return existsSync(IN_CLUSTER_TOKEN) ? 'inside' : null;
}

/** Throws CONFIGURATION when the configuration cannot be read. */
export async function openCluster(options: KubernetesOptions): Promise<Cluster> {
  const client = await import('@kubernetes/client-node');
  const config = new client.KubeConfig();
  try {
    readConfig(config, options);
  } catch (error) {
    throw new StepcastError('CONFIGURATION', `The configuration of the cluster cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const namespace = options.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  const batch = config.makeApiClient(client.BatchV1Api);
  const core = config.makeApiClient(client.CoreV1Api);
  const versions = config.makeApiClient(client.VersionApi);
  const address = config.getCurrentCluster()?.server ?? 'an unknown address';

  const ask = async <T>(answer: Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), TIMEOUT_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      throw explain(error, address);
    } finally {
      clearTimeout(timer);
    }
  };

  type Page<T> = { readonly items: readonly T[]; readonly metadata?: { readonly _continue?: string } };
  const all = async <T>(page: (from: string | undefined) => Promise<Page<T>>): Promise<readonly T[]> => {
    const items: T[] = [];
    let from: string | undefined;
    for (let count = 0; count < MAX_PAGES; count += 1) {
      const { items: some, metadata } = await ask(page(from));
      items.push(...some);
      from = metadata?._continue;
      if (!from) return items;
    }
    // What is missing on the pages that were read may be on the others: nothing is to be taken for gone.
    throw new StepcastError(
      'UNAVAILABLE',
      `Namespace ${namespace} holds more than ${MAX_PAGES * PAGE} jobs of Stepcast. Set the backend's \`max-running\`, or a shorter \`ttl\`.`,
    );
  };
  const labelSelector = Object.entries(MANAGED)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

  return {
    namespace,
    async create(body) {
      try {
        await ask(batch.createNamespacedJob({ namespace, body }));
      } catch (error) {
        // An answer that was lost: the name is of this Attempt alone.
        if (!(error instanceof ClusterRefusal && error.status === 409)) throw error;
      }
    },
    async remove(name, { urgent }) {
      try {
        const body = { propagationPolicy: 'Foreground', ...(urgent ? { gracePeriodSeconds: 0 } : {}) };
        await ask(batch.deleteNamespacedJob({ name, namespace, body }));
      } catch (error) {
        if (!(error instanceof ClusterRefusal && error.status === 404)) throw error;
      }
    },
    jobs: () => all<Job>((from) => batch.listNamespacedJob({ namespace, labelSelector, limit: PAGE, _continue: from })),
    pods: () => all<Pod>((from) => core.listNamespacedPod({ namespace, labelSelector, limit: PAGE, _continue: from })),
    version: async () => (await ask(versions.getCode())).gitVersion,
  };
}

function readConfig(config: Client.KubeConfig, options: KubernetesOptions): void {
  const { kubeconfig, context } = options;
  switch (locateConfig(options)) {
    case 'file':
      config.loadFromFile(kubeconfig ?? '');
      break;
    case 'usual':
      config.loadFromDefault();
      break;
    case 'inside':
      config.loadFromCluster();
      break;
    case null:
      throw new Error(NO_CONFIG);
  }
  if (context === undefined) return;
  if (!config.getContextObject(context)) {
    const known = config.getContexts().map(({ name }) => name);
    throw new Error(`it has no context "${context}", only ${known.join(', ') || 'none'}`);
  }
  config.setCurrentContext(context);
}

export const NO_CONFIG = `No Kubernetes cluster is configured: there is no ~/.kube/config, KUBECONFIG is not set, and this worker runs in no pod (${IN_CLUSTER_NAMESPACE}). Set \`kubeconfig\` of the backend.`;

function explain(error: unknown, address: string): Error {
  const { code, body } = error as { code?: unknown; body?: unknown };
  if (typeof code !== 'number')
    return new StepcastError('UNAVAILABLE', `The cluster at ${address} does not answer: ${messageOf(error)}.`, {
      cause: error,
    });
  const words = readWords(body);
  // Too many requests, and faults of its own: another try may help.
  if (code === 429 || code >= 500)
    return new StepcastError('UNAVAILABLE', `The cluster at ${address} cannot answer now (${code}): ${words}`, {
      cause: error,
    });
  return new ClusterRefusal(code, words);
}

function readWords(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === 'string') return message.slice(0, MAX_WORDS);
  } catch {
    // plain text says it as well
  }
  return text.slice(0, MAX_WORDS);
}
