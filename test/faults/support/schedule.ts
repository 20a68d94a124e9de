/** What is sent and what breaks, all from one seed. Pure. */
import { EXPECTED, JOB_NAMES, type JobName } from './jobs';
import { seededRandom, type Random } from './random';

/** Faults of one lane come one after the other; the lanes run side by side. */
export const LANES = {
  worker: ['kill', 'freeze', 'block', 'stop', 'kill-guard', 'kill-command', 'clock', 'disk-full'],
  api: ['kill', 'freeze', 'block', 'stop', 'clock'],
  postgres: ['kill', 'cut', 'cut-all', 'lose-answers', 'silence', 'hold', 'slow', 'terminate'],
  redis: ['kill', 'flush', 'cut-all', 'lose-answers', 'silence', 'hold', 'slow', 'doorbells'],
} as const;
export type Lane = keyof typeof LANES;
export const LANE_NAMES = Object.keys(LANES) as Lane[];
export type FaultKind = { [L in Lane]: `${L}: ${(typeof LANES)[L][number]}` }[Lane];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** In [0, 1): which of the possible targets. */
  readonly target: number;
  /** In [0, 1): how long or how strong, within what the kind allows. */
  readonly strength: number;
  /** Since the end of the one before, in this lane. */
  readonly pauseMs: number;
}

export interface PlannedSubmission {
  /** Unique in the run; its idempotency key. */
  readonly key: string;
  readonly job: JobName;
  readonly start: number;
  readonly priority: 'HIGH' | 'NORMAL' | 'LOW';
  /** Paused for so long as soon as it was accepted; null: never. */
  readonly pausedMs: number | null;
  /** Milliseconds after it was accepted, or after its pause; null: never. */
  readonly cancelAfterMs: number | null;
  /** Somebody subscribes to its Events. */
  readonly followed: boolean;
}

export interface Schedule {
  readonly seed: number;
  readonly lanes: Readonly<Record<Lane, readonly PlannedFault[]>>;
  readonly submissions: readonly PlannedSubmission[];
}

/** Shares of all faults, so that the lanes take about the same time: a worker freezes longer than a connection is cut. */
const SHARES: Readonly<Record<Lane, number>> = { worker: 0.22, api: 0.18, postgres: 0.32, redis: 0.28 };
const MAX_PAUSE_MS = 1_500;
const MAX_CANCEL_MS = 1_500;
const MAX_PAUSED_MS = 1_000;
const PAUSED_SHARE = 0.08;
const CANCELLED_SHARE = 0.12;
const FOLLOWED_SHARE = 0.3;

export function makeSchedule(options: { seed: number; submissions: number; faults: number }): Schedule {
  const random = seededRandom(options.seed);
  const [first, ...others] = LANE_NAMES;
  const counts = new Map(others.map((lane) => [lane, Math.round(options.faults * SHARES[lane])]));
  if (first) counts.set(first, options.faults - [...counts.values()].reduce((sum, count) => sum + count, 0));
  const lane = (name: Lane): PlannedFault[] => planLane(random, name, counts.get(name) ?? 0);
  const mix = JOB_NAMES.flatMap((job) => Array.from({ length: EXPECTED[job].weight }, () => job));
  return {
    seed: options.seed,
    lanes: { worker: lane('worker'), api: lane('api'), postgres: lane('postgres'), redis: lane('redis') },
    submissions: Array.from({ length: options.submissions }, (_, index) => ({
      key: `s${index}`,
      job: random.pick(mix),
      start: random.between(0, 1_000),
      priority: random.pick(['HIGH', 'NORMAL', 'NORMAL', 'LOW'] as const),
      pausedMs: random.chance(PAUSED_SHARE) ? random.between(0, MAX_PAUSED_MS) : null,
      cancelAfterMs: random.chance(CANCELLED_SHARE) ? random.between(0, MAX_CANCEL_MS) : null,
      followed: random.chance(FOLLOWED_SHARE),
    })),
  };
}

/** Each kind comes before any comes again. */
function planLane(random: Random, name: Lane, count: number): PlannedFault[] {
  const kinds: string[] = [];
  while (kinds.length < count) kinds.push(...random.shuffled<string>(LANES[name]));
  return kinds.slice(0, count).map((kind) => ({
    kind: `${name}: ${kind}` as FaultKind,
    target: random.next(),
    strength: random.next(),
    pauseMs: random.between(0, MAX_PAUSE_MS),
  }));
}
