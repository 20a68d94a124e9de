/**
 * What is due becomes a Submission, on the way of all others. The firing's end is written in the transaction that stores the
 * Submission, under the lock of its Schedule or Trigger: so many processes may try, and one of them does.
 */
import { LOCAL_VIEWER } from '../../src/domain/authorize';
import { unreachable, UserErrors, type UserError } from '../../src/domain/errors';
import { decideOverlap, type OverlapDecision } from '../../src/domain/firing';
import { cancelSubmission } from '../../src/engine/cancel';
import type { Sql } from '../../src/store/database';
import type { FiringState } from '../../src/store/entities/firing';
import { lockFirer } from '../../src/store/statements/firers';
import { deferFiring, dueBefore, endFiring, isDue, openRuns, type DueFiring } from '../../src/store/statements/firings';
import type { Services } from '../context';
import { jobByName, submitJobs } from '../submissions/submitJobs';
import { boundInputs } from './bound';

/** A firing that waits is looked at again after this. */
const WAIT_SECONDS = 1;
const PAUSED_SECONDS = 5;
/** When the server takes no more work, a firing tries again, for so long. */
const RETRY_SECONDS = 5;
const GIVE_UP_SECONDS = 3_600;
const MAX_MESSAGE = 2_000;

/** Brings one firing as far as it can be brought now. Faults of the server are thrown, and it stays due. */
export async function fire(services: Services, firing: DueFiring): Promise<void> {
  const { db } = services;
  const end = (state: FiringState, message: string): Promise<void> =>
    endFiring(db, firing.id, { state, message: message.slice(0, MAX_MESSAGE), submissionId: null });

  const { spec } = firing;
  if (spec === null) return end('SKIPPED', 'Skipped: its definition was removed.');
  if (!spec.enabled) return end('SKIPPED', 'Skipped: its definition says that it is not enabled.');
  if (firing.problem !== '') return end('REFUSED', firing.problem);
  if (!(await mayGo(services, firing))) return;
  try {
    const inputs = await boundInputs(services, spec, firing);
    if (inputs === null) return await end('REFUSED', 'Refused: the submission that ended was deleted.');
    const version = jobByName(services, spec.job, ['job']);
    // What comes back by the clock is there to look again.
    const options = { priority: spec.priority, label: spec.label, reuse: !('cron' in spec) };
    await submitJobs(
      { services, viewer: LOCAL_VIEWER },
      [{ version, inputs, options, field: ['options'], fieldOf: (name) => ['inputs', name] }],
      null,
      {
        files: firing.files,
        within: async (sql, store) => {
          if ((await decide(sql, firing))?.kind !== 'submit') return;
          const { ids } = await store();
          await endFiring(sql, firing.id, { state: 'SUBMITTED', message: '', submissionId: ids[0] ?? null });
        },
      },
    );
  } catch (error) {
    if (!(error instanceof UserErrors)) {
      if (firing.ageSeconds < GIVE_UP_SECONDS) throw error;
      return await end('REFUSED', 'Refused: the server could not submit it for an hour. Its log says why.');
    }
    const message = error.errors.map((one) => one.message).join(' ');
    if (firing.ageSeconds < GIVE_UP_SECONDS && error.errors.every(isPassing))
      await deferFiring(db, firing.id, RETRY_SECONDS, message);
    else await end('REFUSED', message);
  }
}

/**
 * The server takes no more for now, or this process has not heard of a Job yet; what is wrong with an input stays wrong.
 */
function isPassing({ code, field }: UserError): boolean {
  if (code === 'NOT_FOUND') return field[0] === 'job';
  return (code === 'LIMIT_EXCEEDED' || code === 'UNAVAILABLE') && field[0] !== 'inputs';
}

/** Whether it may submit now; when not, it has ended or waits. */
async function mayGo(services: Services, firing: DueFiring): Promise<boolean> {
  const decision = await services.db.transaction((sql) => decide(sql, firing));
  if (decision?.kind !== 'cancel') return decision?.kind === 'submit';
  for (const id of decision.submissionIds)
    await cancelSubmission(services, id, `Cancelled: the schedule "${firing.name}" fired again.`);
  return (await services.db.transaction((sql) => decide(sql, firing)))?.kind === 'submit';
}

/** Decides under the lock, and writes what follows unless it is a Submission. Null: it has come to an end already. */
async function decide(sql: Sql, firing: DueFiring): Promise<OverlapDecision | null> {
  const locked = await lockFirer(sql, firing);
  if (!locked || !(await isDue(sql, firing.id))) return null;
  const { spec } = firing;
  const decision: OverlapDecision = locked.paused
    ? { kind: 'wait', reason: 'Waits: it is paused.' }
    : spec !== null && 'cron' in spec
      ? decideOverlap(spec.overlap, await openRuns(sql, firing), await dueBefore(sql, firing))
      : { kind: 'submit' };
  switch (decision.kind) {
    case 'submit':
    case 'cancel':
      return decision;
    case 'skip':
      await endFiring(sql, firing.id, { state: 'SKIPPED', message: decision.reason, submissionId: null });
      return decision;
    case 'wait':
      await deferFiring(sql, firing.id, locked.paused ? PAUSED_SECONDS : WAIT_SECONDS, decision.reason);
      return decision;
    default:
      return unreachable(decision);
  }
}
