/** Asks the cluster for all Jobs and pods of Stepcast together, and tells each Attempt of its own. */
import { messageOf } from '../../domain/errors';
import type { Cluster } from './cluster';
import type { Job, Pod } from './readPod';

/** What was heard of a Job. `missing`: the cluster answered, and does not know it. */
export type Heard =
  | { readonly kind: 'there'; readonly job: Job; readonly pod: Pod | undefined }
  | { readonly kind: 'missing' }
  | { readonly kind: 'away'; readonly message: string; readonly forMs: number };

export interface Poller {
  /** `told` hears of each answer until the returned function is called. */
  watch(name: string, told: (heard: Heard) => void): () => void;
  /** Something has probably changed: asks soon. */
  soon(): void;
  stop(): void;
}

const SHORTEST_MS = 250;
/** While nothing changes, the time between two questions grows up to this. */
const LONGEST_MS = 5_000;
const LONGEST_AWAY_MS = 30_000;
const GROWTH = 1.3;
/** A cluster with many Jobs is asked more rarely: questions take at the most 1/5 of the time. */
const SHARE_OF_TIME = 5;
const JOB_LABELS = ['batch.kubernetes.io/job-name', 'job-name'] as const;

export function createPoller(cluster: Pick<Cluster, 'jobs' | 'pods'>): Poller {
  const watches = new Map<string, (heard: Heard) => void>();
  let intervalMs = SHORTEST_MS;
  let timer: NodeJS.Timeout | undefined;
  let asking = false;
  let stopped = false;
  let awaySince: number | null = null;
  let last = '';

  const poll = async (): Promise<void> => {
    timer = undefined;
    if (asking || stopped || watches.size === 0) return;
    asking = true;
    // Who comes while the question is under way is not in its answer.
    const asked = [...watches];
    const askedAt = performance.now();
    try {
      const [jobs, pods] = await Promise.all([cluster.jobs(), cluster.pods()]);
      awaySince = null;
      const jobOf = new Map(jobs.map((job) => [job.metadata?.name, job]));
      const podOf = new Map(
        pods.map((pod) => [JOB_LABELS.map((label) => pod.metadata?.labels?.[label]).find(Boolean), pod]),
      );
      const heard = asked.map(([name, told]) => {
        const job = jobOf.get(name);
        return {
          told,
          heard: job ? ({ kind: 'there', job, pod: podOf.get(name) } as const) : ({ kind: 'missing' } as const),
        };
      });
      const now = JSON.stringify(heard);
      intervalMs = now === last ? Math.min(LONGEST_MS, intervalMs * GROWTH) : SHORTEST_MS;
      intervalMs = Math.max(intervalMs, (performance.now() - askedAt) * SHARE_OF_TIME);
      last = now;
      for (const one of heard) one.told(one.heard);
    } catch (error) {
      awaySince ??= performance.now();
      intervalMs = Math.min(LONGEST_AWAY_MS, intervalMs * GROWTH);
      const away = { kind: 'away', message: messageOf(error), forMs: performance.now() - awaySince } as const;
      for (const [, told] of asked) told(away);
    }
    asking = false;
    arm();
  };
  const arm = (): void => {
    if (stopped || asking || watches.size === 0) return;
    clearTimeout(timer);
    timer = setTimeout(() => void poll(), intervalMs);
  };
  const soon = (): void => {
    if (awaySince === null) intervalMs = SHORTEST_MS;
    arm();
  };

  return {
    watch: (name, told) => {
      watches.set(name, told);
      soon();
      return () => void watches.delete(name);
    },
    soon,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
