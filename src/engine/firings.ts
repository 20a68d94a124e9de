/**
 * What Schedules and Triggers do by themselves, up to the rows that say what is due. Any number of processes may call it:
 * every pass is bounded, holds the lock of what it changes, and does nothing twice. Time is the database's clock.
 */
import { latestFirings, nextFirings } from '../domain/cron';
import { digestOf } from '../domain/digest';
import {
  isAwaited,
  jitterOf,
  MAX_CATCH_UP,
  MAX_CHAIN,
  MISSED_RECORDED,
  planTimes,
  type ScheduleSpec,
  type TriggerSpec,
} from '../domain/firing';
import { isoTime } from '../domain/binding';
import type { Database, Sql } from '../store/database';
import {
  completionTriggers,
  endingsAfter,
  lockEndingCursor,
  moveEndingCursor,
  type CompletionTrigger,
  type Ending,
} from '../store/statements/endings';
import {
  changedFirers,
  followVersion,
  lockDueSchedules,
  lockFirer,
  planned,
  retireFirer,
  setPaused,
  type ChangedFirer,
  type FirerName,
  type PinnedFiles,
} from '../store/statements/firers';
import { insertFirings, type NewFiring } from '../store/statements/firings';

const CHANGES_PER_PASS = 100;
const SCHEDULES_PER_PASS = 100;
const ENDINGS_PER_PASS = 500;

/** Finds the files that inputs name; `problem` is empty when all are there. Files that were found before need not be found again. */
export type PinFiles = (
  inputs: ScheduleSpec['inputs'],
  known: PinnedFiles,
) => Promise<{ readonly files: PinnedFiles; readonly problem: string }>;

/** Lets the run-time rows follow the definitions. Returns how many did. */
export async function followDefinitions(db: Database, pin: PinFiles): Promise<number> {
  const changed = await changedFirers(db, CHANGES_PER_PASS);
  for (const one of changed) {
    const { spec, versionId } = one;
    if (spec === null || versionId === null) {
      await retireFirer(db, one);
      continue;
    }
    const pinned = await pin(spec.inputs, one.files);
    const from = isFresh(one) ? one.now : null;
    const nextAt = 'cron' in spec ? nextTime(spec, one.now) : null;
    await followVersion(db, { kind: one.kind, name: one.name, versionId, ...pinned, from, nextAt });
  }
  return changed.length;
}

/** Whether what it waits for is another than before: then nothing of the time before counts. */
function isFresh({ before, spec }: ChangedFirer): boolean {
  const awaited = (one: ScheduleSpec | TriggerSpec | null): string =>
    one === null ? '' : digestOf('cron' in one ? [one.cron, one.timeZone, one.enabled] : [one.on, one.enabled]);
  return before === null || awaited(before) !== awaited(spec);
}

/** The next time of a Schedule after an instant; null when it does nothing. */
export function nextTime(spec: ScheduleSpec, after: number): number | null {
  return spec.enabled ? (nextFirings(spec, after, 1)[0] ?? null) : null;
}

/** Makes firings of the times that have passed. Returns how many. */
export async function planSchedules(db: Database): Promise<number> {
  return db.transaction(async (sql) => {
    let count = 0;
    for (const { name, spec, plannedUntil, now } of await lockDueSchedules(sql, SCHEDULES_PER_PASS)) {
      const { instants } = latestFirings(spec, plannedUntil, now, MAX_CATCH_UP + MISSED_RECORDED);
      const firings = planTimes(spec, instants, now).map(({ time, fate }): NewFiring => {
        const due = { key: isoTime(time), time, delay: jitterOf(spec, time) };
        return fate.kind === 'fire' ? { ...due, state: 'DUE' } : { ...due, state: 'SKIPPED', message: fate.reason };
      });
      count += (await insertFirings(sql, { kind: 'SCHEDULE', name }, firings)).size;
      await planned(sql, name, now, nextTime(spec, now));
    }
    return count;
  });
}

/** Makes firings of the ends of Submissions that Triggers wait for. Returns how many. */
export async function noteEndings(db: Database): Promise<number> {
  return db.transaction(async (sql) => {
    const triggers = await completionTriggers(sql);
    const reached = triggers.length === 0 ? null : await lockEndingCursor(sql);
    if (!reached) return 0;
    // Ends from before the oldest Trigger are nobody's: they need not be walked through.
    const oldest = triggers.map(({ sinceTx }) => BigInt(sinceTx)).reduce((least, tx) => (tx < least ? tx : least));
    const from = BigInt(reached.tx) < oldest ? { tx: String(oldest), submissionId: '0', seq: 0 } : reached;
    const endings = await endingsAfter(sql, from, ENDINGS_PER_PASS);
    let count = 0;
    for (const trigger of triggers) {
      const firings = endings.filter((ending) => awaits(trigger, ending)).map((ending) => firingOf(trigger, ending));
      count += (await insertFirings(sql, { kind: 'TRIGGER', name: trigger.name }, firings)).size;
    }
    const last = endings.at(-1);
    if (last) await moveEndingCursor(sql, last);
    return count;
  });
}

function awaits({ spec, sinceTx }: CompletionTrigger, ending: Ending): boolean {
  const isOurs = spec.enabled && spec.on.job === ending.job && isAwaited(spec.on.ending, ending.state);
  return isOurs && BigInt(ending.tx) >= BigInt(sinceTx);
}

function firingOf({ paused }: CompletionTrigger, ending: Ending): NewFiring {
  const depth = ending.depth + 1;
  const firing = {
    // A Submission that goes on after a failure ends again, and that is another end.
    key: `${ending.submissionId}.${ending.seq}`,
    time: Math.floor(ending.at),
    depth,
    sourceId: ending.submissionId,
  };
  if (paused) return { ...firing, state: 'SKIPPED', message: 'Skipped: the trigger was paused.' };
  if (depth <= MAX_CHAIN) return { ...firing, state: 'DUE' };
  const message = `Refused: ${MAX_CHAIN} completions in a row have started each other; no more follow.`;
  return { ...firing, state: 'REFUSED', message };
}

/**
 * Pauses or goes on. What a Schedule would have done during a pause is over; what is due already waits for the end of the
 * pause. Returns false when there is none of the name.
 */
export async function pauseFirer(
  db: Database,
  firer: FirerName,
  paused: boolean,
  schedule: ScheduleSpec | null,
): Promise<boolean> {
  return db.transaction(async (sql: Sql) => {
    const locked = await lockFirer(sql, firer);
    if (!locked || locked.removed) return false;
    if (locked.paused === paused) return true;
    const nextAt = schedule ? nextTime(schedule, locked.now) : null;
    await setPaused(sql, firer, { paused, from: paused ? null : locked.now, nextAt });
    return true;
  });
}
