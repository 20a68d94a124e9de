/** Lists and single rows of Submissions and what hangs on them, by keyset: a page costs the same wherever it is. */
import type { FilterQuery } from '@mikro-orm/core';
import type { StepRunState, SubmissionState } from '../../src/domain/states';
import { StepcastError } from '../../src/domain/errors';
import { mainFilesIn, type FileValue, type Value, type Values } from '../../src/domain/values';
import type { Database, Statement } from '../../src/store/database';
import { ArtifactRow, AttemptRow, BatchRow, StepRunRow, SubmissionRow } from '../../src/store/entities';
import { eventsAfter } from '../../src/store/statements/events';
import { logAfter } from '../../src/store/statements/logs';
import { ROOT_SCOPE } from '../../src/store/statements/sources';
import { numericKey, pageOf, toConnection, type Connection, type PageArgs } from '../relay/connection';
import { toAttempt, type AttemptType } from './attempt';
import {
  toArtifact,
  toEvent,
  toLogChunk,
  toSubmission,
  type ArtifactType,
  type EventType,
  type LogChunkType,
  type SubmissionType,
} from './types';
import { toStepRun, type StepRunType } from './stepTypes';

/** The largest number of an Event or an Attempt. */
const MAX_INT = 2_147_483_647;

/** Rows that are on their way out are shown to nobody. */
const VISIBLE = { deleteRequestedAt: null } as const;

export async function findSubmission(db: Database, key: string): Promise<SubmissionRow | null> {
  const [row] = await db.query<SubmissionRow>(ROW, [[key]]);
  return row && row.deleteRequestedAt === null ? row : null;
}

export async function getSubmission(db: Database, key: string): Promise<SubmissionType> {
  const row = await findSubmission(db, key);
  if (!row) throw new StepcastError('NOT_FOUND', 'There is no such submission.');
  return toSubmission(row);
}

const ROW: Statement = {
  name: 'submission-rows',
  text: `select id, job_version_id as "jobVersionId", job_name as "jobName", state, priority, message,
           submitter, label, batch_id as "batchId", reuse_from as "reuseFrom", event_seq as "eventSeq", unfinished, generation, deadline,
           paused_at as "pausedAt", delete_requested_at as "deleteRequestedAt", created_at as "createdAt", started_at as "startedAt",
           finished_at as "finishedAt"
         from submission where id = any($1::bigint[])`,
};

/** In the order of `keys`. A prepared statement: every submit and every live change reads one. */
export async function getSubmissions(db: Database, keys: readonly string[]): Promise<SubmissionType[]> {
  const rows = await db.query<SubmissionRow>(ROW, [keys]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return keys.flatMap((key) => {
    const row = byId.get(key);
    return row ? [toSubmission(row)] : [];
  });
}

export interface SubmissionFilter {
  readonly states?: readonly SubmissionState[] | null;
  readonly job?: string | null;
  readonly batchKey?: string | null;
  /** Only those that run this one again. */
  readonly rerunOfKey?: string | null;
  readonly label?: string | null;
  readonly createdAfter?: Date | null;
  readonly createdBefore?: Date | null;
}

/** Newest first. */
export async function listSubmissions(
  db: Database,
  filter: SubmissionFilter,
  args: PageArgs,
  limit: number,
): Promise<Connection<SubmissionType>> {
  const { first, after } = pageOf(args, limit);
  const conditions: FilterQuery<SubmissionRow>[] = [{ ...VISIBLE }];
  const behind = numericKey(after);
  if (behind !== null) conditions.push({ id: { $lt: behind } });
  if (filter.states && filter.states.length > 0) conditions.push({ state: { $in: [...filter.states] } });
  if (filter.job != null) conditions.push({ jobName: filter.job });
  if (filter.batchKey != null) conditions.push({ batchId: filter.batchKey });
  if (filter.rerunOfKey != null) conditions.push({ reuseFrom: filter.rerunOfKey });
  if (filter.label != null) conditions.push({ label: filter.label });
  if (filter.createdAfter) conditions.push({ createdAt: { $gte: filter.createdAfter } });
  if (filter.createdBefore) conditions.push({ createdAt: { $lt: filter.createdBefore } });
  const rows = await db.em().find(SubmissionRow, { $and: conditions }, { orderBy: { id: 'desc' }, limit: first + 1 });
  return toConnection(rows, first, (row) => row.id, toSubmission);
}

export async function getBatch(db: Database, key: string): Promise<BatchRow | null> {
  return db.em().findOne(BatchRow, { id: key });
}

/** Which StepRuns of a Submission are listed. */
export type StepRunPlace =
  | { readonly kind: 'own' }
  | { readonly kind: 'all' }
  /** The elements of a scatter, or the steps of a nested Job. */
  | { readonly kind: 'parts'; readonly of: StepRunType };

/** The Submissions of a Batch in the order of the call. */
export async function listBatch(
  db: Database,
  batchKey: string,
  args: PageArgs,
  limit: number,
): Promise<Connection<SubmissionType>> {
  const { first, after } = pageOf(args, limit);
  const rows = await db
    .em()
    .find(
      SubmissionRow,
      { ...VISIBLE, batchId: batchKey, id: { $gt: numericKey(after) ?? '0' } },
      { orderBy: { id: 'asc' }, limit: first + 1 },
    );
  return toConnection(rows, first, (row) => row.id, toSubmission);
}

export async function listStepRuns(
  db: Database,
  submissionKey: string,
  place: StepRunPlace,
  states: readonly StepRunState[] | null,
  args: PageArgs,
  limit: number,
): Promise<Connection<StepRunType>> {
  const { first, after } = pageOf(args, limit);
  const where: FilterQuery<StepRunRow> = {
    submissionId: submissionKey,
    ...conditionOf(place),
    ...(states && states.length > 0 ? { state: { $in: [...states] } } : {}),
    id: { $gt: numericKey(after) ?? '0' },
  };
  const rows = await db.em().find(StepRunRow, where, { orderBy: { id: 'asc' }, limit: first + 1 });
  return toConnection(rows, first, (row) => row.id, toStepRun);
}

function conditionOf(place: StepRunPlace): {
  scopeId?: string;
  node?: number;
  scatterIndex?: number | { $gte: number };
} {
  switch (place.kind) {
    case 'own':
      return { scopeId: ROOT_SCOPE, scatterIndex: -1 };
    case 'all':
      return {};
    case 'parts':
      return place.of.kind === 'SCATTER'
        ? { scopeId: place.of.scopeKey, node: place.of.node, scatterIndex: { $gte: 0 } }
        : { scopeId: place.of.key, scatterIndex: -1 };
  }
}

export async function getStepRun(db: Database, key: string): Promise<StepRunType> {
  const row = await db.em().findOne(StepRunRow, { id: key });
  if (!row) throw new StepcastError('NOT_FOUND', 'There is no such step run.');
  return toStepRun(row);
}

/** Null when there is none, any more or at all. */
export async function findStepRun(db: Database, key: string | null): Promise<StepRunType | null> {
  const row = key === null ? null : await db.em().findOne(StepRunRow, { id: key });
  return row && toStepRun(row);
}

export async function listAttempts(
  db: Database,
  stepRunKey: string,
  args: PageArgs,
  limit: number,
): Promise<Connection<AttemptType>> {
  const { first, after } = pageOf(args, limit);
  const rows = await db
    .em()
    .find(
      AttemptRow,
      { stepRunId: stepRunKey, number: { $gt: Number(numericKey(after, MAX_INT) ?? 0) } },
      { orderBy: { number: 'asc' }, limit: first + 1 },
    );
  return toConnection(rows, first, (row) => String(row.number), toAttempt);
}

export async function listEvents(
  db: Database,
  submissionKey: string,
  args: PageArgs,
  limit: number,
): Promise<Connection<EventType>> {
  const { first, after } = pageOf(args, limit);
  const events = await eventsAfter(db, submissionKey, Number(numericKey(after, MAX_INT) ?? 0), first + 1);
  return toConnection(events, first, (event) => String(event.seq), toEvent);
}

/** Log rows hold up to 64 KiB each, so their page is short. */
const LOG_PAGE_LIMIT = 50;

export async function listLog(
  db: Database,
  stepRunKey: string,
  args: PageArgs,
  limit: number,
): Promise<Connection<LogChunkType>> {
  const { first, after } = pageOf(args, Math.min(limit, LOG_PAGE_LIMIT));
  const chunks = await logAfter(db, stepRunKey, Number(numericKey(after) ?? 0), first + 1);
  return toConnection(chunks, first, (chunk) => String(chunk.startByte + chunk.data.length), toLogChunk);
}

export async function listArtifacts(
  db: Database,
  where: { readonly submissionKey: string; readonly stepRunKey?: string; readonly produced: boolean },
  args: PageArgs,
  limit: number,
): Promise<Connection<ArtifactType>> {
  const { first, after } = pageOf(args, limit);
  const rows = await db.em().find(
    ArtifactRow,
    {
      submissionId: where.submissionKey,
      id: { $gt: numericKey(after) ?? '0' },
      stepRunId: where.stepRunKey !== undefined ? where.stepRunKey : where.produced ? { $ne: null } : null,
    },
    { orderBy: { id: 'asc' }, limit: first + 1 },
  );
  return toConnection(rows, first, (row) => row.id, toArtifact);
}

export async function findArtifact(db: Database, key: string): Promise<ArtifactRow | null> {
  return db.em().findOne(ArtifactRow, { id: key });
}

/** The file of an Artifact, with what its port said of it and the files beside it. */
export async function artifactFile(db: Database, row: ArtifactRow): Promise<FileValue> {
  const { name, sha256, size, mediaType } = row;
  const rows = await db.query<{ value: Value }>(PORT_VALUE, [row.submissionId, row.stepRunId, row.port]);
  const known = mainFilesIn(rows[0]?.value).find((file) => file.sha256 === sha256 && file.name === name);
  return known ?? { class: 'File', name, sha256, size: Number(size), mediaType };
}

const PORT_VALUE: Statement = {
  name: 'port-value',
  text: `select coalesce(r.outputs, s.inputs) -> $3::text as value
         from submission s left join step_run r on r.id = $2::bigint where s.id = $1::bigint`,
};
/** Values may be large: they are read when they are asked for, and only then. */
export async function submissionValues(db: Database, key: string, which: 'inputs' | 'outputs'): Promise<Values | null> {
  const [row] = await db.query<{ value: Values | null }>(
    { name: `submission-${which}`, text: `select ${which} as value from submission where id = $1` },
    [key],
  );
  return row?.value ?? null;
}

export async function stepRunOutputs(db: Database, key: string): Promise<Values | null> {
  const [row] = await db.query<{ value: Values | null }>(
    { name: 'step-run-outputs', text: `select outputs as value from step_run where id = $1` },
    [key],
  );
  return row?.value ?? null;
}

/** Some inputs of several Submissions, by the Submissions' keys. */
export async function submissionInputs(
  db: Database,
  keys: readonly string[],
  names: readonly string[],
): Promise<ReadonlyMap<string, Values>> {
  const rows = await db.query<{ id: string; inputs: Values }>(
    {
      name: 'submission-some-inputs',
      text: `select s.id, (select coalesce(jsonb_object_agg(n.name, s.inputs -> n.name), '{}')
                           from unnest($2::text[]) as n(name) where s.inputs ? n.name) as inputs
             from submission s where s.id = any($1::bigint[])`,
    },
    [keys, names],
  );
  return new Map(rows.map((row) => [row.id, row.inputs]));
}
