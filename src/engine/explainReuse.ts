/** Why a StepRun took an earlier result, or did not: worked out when somebody asks, from the values that are stored anyway. */
import {
  differences,
  fingerprintOf,
  fingerprintParts,
  whyDifferent,
  whyUnshared,
  type Unshared,
} from '../domain/fingerprint';
import { unreachable } from '../domain/errors';
import { remembered, workOf, type WorkRow } from '../store/statements/reuse';
import { worksOf, type Work } from './claim';
import type { EngineDependencies } from './complete';
import { runName } from './reuse';

export const REUSE_DECISIONS = ['REUSED', 'WAITS', 'RAN', 'NOT_SHARED'] as const;
export type ReuseOutcome = (typeof REUSE_DECISIONS)[number];

export interface ReuseExplanation {
  readonly decision: ReuseOutcome;
  /** A sentence for people. */
  readonly reason: string;
  /** What differs from the nearest earlier run. */
  readonly differences: readonly string[];
  /** That run, or the one whose result it took; null when there is none any more. */
  readonly comparedWith: string | null;
}

type Dependencies = Pick<EngineDependencies, 'db' | 'plans'>;

/** The fingerprint of what a StepRun does; null before it is known, and for what runs no Task. */
export async function stepRunFingerprint({ db, plans }: Dependencies, stepRunId: string): Promise<string | null> {
  const row = await workOf(db, stepRunId);
  const work = row && (await worksOf(db, plans, [row]))[0];
  return work ? fingerprintOf(partsOf(work)) : null;
}

/** Null before it was decided, and for what runs no Task. `enabled`: whether this server reuses results at all. */
export async function explainReuse(
  { db, plans }: Dependencies,
  stepRunId: string,
  enabled: boolean,
): Promise<ReuseExplanation | null> {
  const row = await workOf(db, stepRunId);
  const work = row && (await worksOf(db, plans, [row]))[0];
  if (!row || !work) return null;
  if (row.cached) return reusedFrom({ db, plans }, row);
  const plain = (decision: ReuseOutcome, reason: string): ReuseExplanation => ({
    decision,
    reason,
    differences: [],
    comparedWith: null,
  });
  if (row.waitsFor !== null) return plain('WAITS', row.message);
  const notTaken = whyNotTaken(work, enabled);
  if (notTaken !== null) return plain('NOT_SHARED', notTaken);
  return comparedWithNearest({ db, plans }, work);
}

const partsOf = ({ task, backend, values }: Work): ReturnType<typeof fingerprintParts> =>
  fingerprintParts(task, backend, values);

async function reusedFrom({ db }: Dependencies, row: WorkRow): Promise<ReuseExplanation> {
  const from = row.reusedFrom === null ? null : await workOf(db, row.reusedFrom);
  const who = from ? runName(from, row) : 'an earlier run, which was deleted since,';
  const reason = `${who.charAt(0).toUpperCase()}${who.slice(1)} did the same work.`;
  return { decision: 'REUSED', reason, differences: [], comparedWith: from?.id ?? null };
}

function whyNotTaken({ task, backend, reuse }: Work, enabled: boolean): string | null {
  if (reuse.rerun) return 'It was asked to run again.';
  const unshared = whyUnshared(task, backend);
  if (unshared) return explained(unshared);
  if (!reuse.allowed) return 'Its submission was made with reuse switched off.';
  return enabled ? null : 'Reuse is switched off on this server (STEPCAST_REUSE=off).';
}

function explained(unshared: Unshared): string {
  switch (unshared.kind) {
    case 'COMPUTES':
      return 'Its task only computes, which costs less than looking for a result.';
    case 'SAYS_SO':
      return 'Its task says `reuse: false`.';
    case 'CALLS':
      return 'Its task calls a service, whose answers may change. Say `reuse: true` if they do not.';
    case 'LOOKS_OUTSIDE':
      return `Its backend names a ${unshared.option}, which may have changed. Say \`reuse: true\` in the task if it does not.`;
    case 'TAKES_NOTHING':
      return 'Its task takes nothing, so it is there to look at something that may have changed. Say `reuse: true` if not.';
    default:
      return unreachable(unshared);
  }
}

/** Of so many newest runs the nearest is looked for. */
const MAX_COMPARED = 10;

async function comparedWithNearest({ db, plans }: Dependencies, work: Work): Promise<ReuseExplanation> {
  const rows = await remembered(db, work.task.name, work.stepRunId, MAX_COMPARED);
  const own = partsOf(work);
  const compared = (await worksOf(db, plans, rows)).map((earlier, index) => {
    const parts = partsOf(earlier);
    return { row: rows[index], parts, differing: differences(own, parts) };
  });
  // The newest of those in which least differs: they come newest first.
  const [nearest] = compared.sort((a, b) => a.differing.length - b.differing.length);
  if (!nearest?.row) {
    const reason = `No earlier run of the task "${work.task.name}" is remembered.`;
    return { decision: 'RAN', reason, differences: [], comparedWith: null };
  }
  const { row, parts, differing } = nearest;
  const reason =
    differing.length === 0
      ? `Equal work was done by ${runName(row, work)}, but its result could not be taken when this one began.`
      : `No earlier run did the same work. Nearest is ${runName(row, work)}: ${whyDifferent(own, parts)}`;
  return { decision: 'RAN', reason, differences: differing, comparedWith: row.id };
}
