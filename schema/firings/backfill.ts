/** Times of a Schedule that lie behind us, submitted afterwards as one Batch: all of them or none. */
import { LOCAL_VIEWER } from '../../src/domain/authorize';
import { isoTime } from '../../src/domain/binding';
import { firingsAfter } from '../../src/domain/cron';
import { userError } from '../../src/domain/errors';
import type { ScheduleSpec } from '../../src/domain/firing';
import type { Priority } from '../../src/domain/states';
import { firerStatus, lockFirer } from '../../src/store/statements/firers';
import { databaseNow, firedKeys, insertFirings } from '../../src/store/statements/firings';
import type { Services } from '../context';
import { jobByName, submitJobs, type JobRequest } from '../submissions/submitJobs';
import { boundInputs } from './bound';

export interface BackfillRequest {
  readonly from: Date;
  readonly to: Date;
  readonly priority: Priority | null;
  readonly label: string | null;
}

export interface Backfilled {
  readonly batchId: string | null;
  readonly submitted: number;
  readonly alreadyFired: number;
}

/** Throws UserErrors for a range that cannot be, is too large, or has nothing left in it. */
export async function backfill(services: Services, spec: ScheduleSpec, request: BackfillRequest): Promise<Backfilled> {
  const { db } = services;
  const schedule = { kind: 'SCHEDULE', name: spec.name } as const;
  const times = timesOf(spec, request, await databaseNow(db), services.limits.maxBatch);
  const fired = await firedKeys(db, schedule, times.map(isoTime));
  const left = times.filter((time) => !fired.has(isoTime(time)));
  if (left.length === 0) {
    const found = times.length === 0 ? 'has no time of this schedule in it' : 'was submitted already';
    throw userError('CONFLICT', `The range ${found}.`, ['input', 'from']);
  }
  const [status] = await firerStatus(db, 'SCHEDULE', [spec.name]);
  const { files = {}, problem = '' } = status ?? {};
  if (problem !== '') throw userError('NOT_FOUND', problem, ['input', 'name']);
  const version = jobByName(services, spec.job, ['input', 'name']);
  const requests: JobRequest[] = [];
  for (const time of left) {
    const inputs = (await boundInputs(services, spec, { time, body: null, sourceId: null })) ?? {};
    const options = { priority: request.priority ?? spec.priority, label: spec.label };
    requests.push({ version, inputs, options, field: ['input'], fieldOf: () => ['input', 'name'] });
  }
  const label = request.label ?? spec.name;
  const { batchId } = await submitJobs(
    { services, viewer: LOCAL_VIEWER },
    requests,
    { label },
    {
      files,
      within: async (sql, store) => {
        await lockFirer(sql, schedule);
        const { ids } = await store();
        const firings = left.map((time, index) => ({
          key: isoTime(time),
          time,
          state: 'SUBMITTED' as const,
          submissionId: ids[index] ?? null,
          backfill: true,
        }));
        const stored = await insertFirings(sql, schedule, firings);
        if (stored.size < left.length)
          throw userError('CONFLICT', 'A time of the range was fired just now. Try again.', ['input', 'from']);
      },
    },
  );
  return { batchId, submitted: left.length, alreadyFired: fired.size };
}

function timesOf(spec: ScheduleSpec, { from, to }: BackfillRequest, now: number, limit: number): number[] {
  if (from >= to) throw userError('BAD_INPUT', 'to must be later than from.', ['input', 'to']);
  if (to.getTime() > now) throw userError('BAD_INPUT', 'to must not be in the future.', ['input', 'to']);
  const times: number[] = [];
  for (const time of firingsAfter(spec, from.getTime() - 1)) {
    if (time >= to.getTime()) break;
    if (times.length >= limit) {
      const message = `The range has more than ${limit} times of this schedule, which is the limit. Take a shorter one.`;
      throw userError('LIMIT_EXCEEDED', message, ['input', 'to']);
    }
    times.push(time);
  }
  return times;
}
