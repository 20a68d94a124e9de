/** Asks the scheduler for the states of all jobs of a Backend together, no more often than it helps. */
import { messageOf } from '../../domain/errors';
import type { Commander } from './commander';
import { jobKey, type Dialect, type JobState, type NativeJob } from './dialect';

/** What the poller last heard of a job. `forgotten`: the scheduler answered, and does not know it. */
export type Seen = JobState | { readonly phase: 'forgotten'; readonly times: number };

export interface Poller {
  /** `told` hears of each answer about the job until the returned function is called. */
  watch(job: NativeJob, told: (seen: Seen) => void): () => void;
  /** Something has probably changed: asks soon. */
  soon(): void;
  /** Asks now, whatever else; null when the scheduler does not answer. */
  ask(jobs: readonly NativeJob[]): Promise<ReadonlyMap<string, JobState> | null>;
  stop(): void;
}

export interface PollerRequest {
  readonly dialect: Pick<Dialect<never>, 'states' | 'readStates' | 'readFault' | 'title'>;
  readonly commander: Pick<Commander, 'run'>;
  readonly pollSeconds: number;
  readonly log: (message: string) => void;
}

/** However urgent, two questions are so far apart, in milliseconds. */
const SHORTEST_MS = 500;
/** While nothing changes, or the scheduler is slow or away, the time between two questions grows up to this. */
const LONGEST_MS = 60_000;
const QUIET_GROWTH = 1.5;
/** Jobs that one command names: Linux takes no word of more than 128 KiB. */
const MAX_ASKED = 5_000;
/** A scheduler that takes long to answer is asked more rarely: questions may take 1/20 of the time. */
const SHARE_OF_TIME = 20;

interface Watch {
  readonly job: NativeJob;
  readonly told: (seen: Seen) => void;
  last: string;
  forgotten: number;
}

export function createPoller({ dialect, commander, pollSeconds, log }: PollerRequest): Poller {
  const watches = new Set<Watch>();
  const usualMs = pollSeconds * 1000;
  let intervalMs = usualMs;
  let timer: NodeJS.Timeout | null = null;
  let dueAt = Infinity;
  let lastAskedAt = -Infinity;
  let asking = false;
  let away = false;
  let stopped = false;

  const arm = (delayMs: number): void => {
    const at = Math.max(performance.now() + delayMs, lastAskedAt + SHORTEST_MS);
    if (stopped || asking || at >= dueAt) return;
    if (timer) clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => void poll(), at - performance.now());
  };

  const ask = async (jobs: readonly NativeJob[]): Promise<ReadonlyMap<string, JobState> | null> => {
    const ids = [...new Set(jobs.map(({ job }) => job))];
    const commands = new Map<string, readonly string[]>();
    for (let from = 0; from < ids.length; from += MAX_ASKED) {
      const words = dialect.states(ids.slice(from, from + MAX_ASKED));
      commands.set(words.join('\n'), words);
    }
    const states = new Map<string, JobState>();
    for (const words of commands.values()) {
      const some = await run(words);
      if (some === null) return null;
      for (const [key, state] of some) states.set(key, state);
    }
    return states;
  };

  const run = async (words: readonly string[]): Promise<ReadonlyMap<string, JobState> | null> => {
    const answer = await commander.run(words);
    if (answer.code === 0) return dialect.readStates(answer.stdout);
    // Some tell of the jobs that they know even so.
    if (answer.code !== null && dialect.readFault(answer.stderr) === 'unknown')
      return dialect.readStates(answer.stdout);
    if (!away) log(`${dialect.title} does not answer, and is asked again: ${answer.stderr.trim()}`);
    return null;
  };

  const poll = async (): Promise<void> => {
    timer = null;
    dueAt = Infinity;
    if (watches.size === 0 || stopped) return;
    asking = true;
    wanted = false;
    const asked = [...watches];
    lastAskedAt = performance.now();
    try {
      const states = await ask(asked.map(({ job }) => job));
      const tookMs = performance.now() - lastAskedAt;
      const changed = states !== null && tell(asked, states);
      if (states && away) log(`${dialect.title} answers again.`);
      away = states === null;
      intervalMs = changed ? usualMs : Math.min(Math.max(LONGEST_MS, usualMs), intervalMs * QUIET_GROWTH);
      intervalMs = Math.max(intervalMs, tookMs * SHARE_OF_TIME);
    } catch (error) {
      log(`The states of ${dialect.title} jobs could not be read: ${messageOf(error)}`);
    }
    asking = false;
    lastAskedAt = performance.now();
    if (watches.size > 0) arm(wanted && !away ? SHORTEST_MS : intervalMs);
  };

  /** Whether anything was new. */
  const tell = (asked: readonly Watch[], states: ReadonlyMap<string, JobState>): boolean => {
    let changed = false;
    for (const watch of asked) {
      if (!watches.has(watch)) continue;
      const state = states.get(jobKey(watch.job));
      watch.forgotten = state ? 0 : watch.forgotten + 1;
      const seen: Seen = state ?? { phase: 'forgotten', times: watch.forgotten };
      const text = JSON.stringify(seen);
      changed ||= text !== watch.last;
      watch.last = text;
      watch.told(seen);
    }
    return changed;
  };

  let wanted = false;
  return {
    watch: (job, told) => {
      const watch: Watch = { job, told, last: '', forgotten: 0 };
      watches.add(watch);
      intervalMs = Math.min(intervalMs, usualMs);
      arm(usualMs);
      return () => void watches.delete(watch);
    },
    soon: () => {
      wanted = true;
      if (!away) arm(SHORTEST_MS);
    },
    ask,
    stop: () => {
      stopped = true;
      if (timer) clearTimeout(timer);
    },
  };
}
