/** Firings in lists and alone. */
import type { FilterQuery } from '@mikro-orm/core';
import { jitterOf } from '../../src/domain/firing';
import { isoTime } from '../../src/domain/binding';
import { nextFirings } from '../../src/domain/cron';
import type { ScheduleSpec } from '../../src/domain/firing';
import { StepcastError } from '../../src/domain/errors';
import type { Database } from '../../src/store/database';
import { FiringRow } from '../../src/store/entities';
import { numericKey, pageOf, toConnection, type Connection, type PageArgs } from '../relay/connection';
import type { FiringsArgs } from './inputs';
import { toFiring, type FiringTimeType, type FiringType } from './types';

/** Latest first. */
export async function listFirings(
  db: Database,
  firer: Pick<FiringRow, 'kind' | 'name'>,
  args: FiringsArgs,
  limit: number,
): Promise<Connection<FiringType>> {
  const { first, after } = pageOf(args, limit);
  const { kind, name } = firer;
  const conditions: FilterQuery<FiringRow>[] = [{ kind, name }];
  const [time, id] = after?.split('_') ?? [];
  if (time !== undefined) {
    const behind = new Date(Number(numericKey(time)));
    const key = numericKey(id ?? '0') ?? '0';
    conditions.push({ $or: [{ time: { $lt: behind } }, { time: behind, id: { $lt: key } }] });
  }
  if (args.states && args.states.length > 0) conditions.push({ state: { $in: args.states } });
  const rows = await db
    .em()
    .find(FiringRow, { $and: conditions }, { orderBy: [{ time: 'desc' }, { id: 'desc' }], limit: first + 1 });
  return toConnection(rows, first, (row) => `${row.time.getTime()}_${row.id}`, toFiring);
}

export async function getFiring(db: Database, id: string): Promise<FiringType | null> {
  const row = await db.em().findOne(FiringRow, { id });
  return row && toFiring(row);
}

/** The firing that a Submission came from. */
export async function firingOf(db: Database, submissionKey: string): Promise<FiringType | null> {
  const row = await db.em().findOne(FiringRow, { submissionId: submissionKey });
  return row && toFiring(row);
}

/** The times to come, next first. `now` is the database's clock. */
export function listTimes(spec: ScheduleSpec, now: number, args: PageArgs, limit: number): Connection<FiringTimeType> {
  const { first, after } = pageOf(args, limit);
  const from = after === null ? now : Date.parse(after);
  if (Number.isNaN(from)) throw new StepcastError('BAD_INPUT', 'after is no cursor of this list.');
  const times = spec.enabled ? nextFirings(spec, from, first + 1) : [];
  return toConnection(times, first, isoTime, (time) => ({
    time: new Date(time),
    dueAt: new Date(time + jitterOf(spec, time) * 1_000),
  }));
}
