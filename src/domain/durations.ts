/** How long things took, as a distribution, and what that says of one that is under way. All times in seconds. */

/** What is known of the durations of earlier runs. */
export interface Distribution {
  /** How many runs it is made of; at least 1. */
  readonly count: number;
  readonly min: number;
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

/** The duration that this share (0 to 1) of the runs stays below, on straight lines between the known points. */
export function quantile(durations: Distribution, share: number): number {
  const points = pointsOf(durations);
  const upper = points.find((point) => point.share >= share) ?? { share: 1, seconds: durations.max };
  const lower = points.findLast((point) => point.share <= share) ?? { share: 0, seconds: durations.min };
  if (upper.share === lower.share) return upper.seconds;
  return lower.seconds + ((share - lower.share) / (upper.share - lower.share)) * (upper.seconds - lower.seconds);
}

/**
 * How much longer a run lasts that has lasted `elapsed` already, at this share of the earlier runs that lasted as long;
 * null when none of them did.
 */
export function remaining(durations: Distribution, elapsed: number, share: number): number | null {
  if (elapsed >= durations.max) return null;
  const passed = shareBelow(durations, elapsed);
  return quantile(durations, passed + share * (1 - passed)) - elapsed;
}

function shareBelow(durations: Distribution, seconds: number): number {
  if (seconds <= durations.min) return 0;
  const points = pointsOf(durations);
  const above = points.findIndex((point) => point.seconds > seconds);
  const [lower, upper] = [points[above - 1], points[above]];
  if (!lower || !upper) return 1;
  return lower.share + ((seconds - lower.seconds) / (upper.seconds - lower.seconds)) * (upper.share - lower.share);
}

interface Point {
  readonly share: number;
  readonly seconds: number;
}

const pointsOf = ({ min, p10, p50, p90, max }: Distribution): Point[] => [
  { share: 0, seconds: min },
  { share: 0.1, seconds: p10 },
  { share: 0.5, seconds: p50 },
  { share: 0.9, seconds: p90 },
  { share: 1, seconds: max },
];
