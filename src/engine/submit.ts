/** From checked requests to stored Submissions: all of one call or none. */
import { NO_ADMISSION_LIMITS, type AdmissionLimits } from '../domain/admission';
import { digestOf } from '../domain/digest';
import { UserErrors, type UserError } from '../domain/errors';
import { priorityRank, type Priority } from '../domain/states';
import { submissionSeconds } from '../domain/timeouts';
import { filesIn, type Values } from '../domain/values';
import type { Database, Sql } from '../store/database';
import type { Committed } from '../store/statements/changes';
import {
  deleteBatch,
  findByIdempotencyKey,
  insertBatch,
  insertSubmission,
  type EarlierSubmission,
  type NewSubmission,
} from '../store/statements/insertSubmission';
import { queuedCount } from '../store/statements/outbox';
import { admitSubmissions } from './admission';
import type { Announcer } from './announcer';
import type { JobVersion } from './plans';
import { limitsOf, rowKind, runName, usesOf } from './rows';

/** One Submission to store; its inputs are checked against the Job's types and Validators already. */
export interface SubmitRequest {
  readonly version: JobVersion;
  readonly inputs: Values;
  readonly priority: Priority;
  readonly submitter: string;
  readonly label: string;
  readonly idempotencyKey: string | null;
  /** False: all its steps run, whatever equal work was done before. True if not given. */
  readonly reuse?: boolean;
  /** An earlier Submission whose results its steps take where name and work are equal, whatever their Tasks say. */
  readonly reuseFrom?: string;
  /** Names of steps that run in any case, with all that stands after them. */
  readonly rerun?: readonly string[];
  /** It shall take no longer; the Job's own timeout holds as well. */
  readonly timeoutSeconds?: number | null;
  /** Where the request stands in the call, for errors: `['input']` or `['input', 'items', '0']`. */
  readonly field: readonly string[];
}

/** What the Submissions of one call have in common. */
export interface NewBatch {
  readonly label: string;
  /** The inputs that a matrix varies; none for a Batch of any other kind. */
  readonly matrixInputs?: readonly string[];
}

export interface Submitted {
  readonly submissionIds: readonly string[];
  readonly batchId: string | null;
}

export interface SubmitDependencies {
  readonly db: Database;
  readonly announcer: Announcer;
  /** Steps that may wait at once, over all submissions: past it, new ones are refused. */
  readonly maxQueued: number;
  /** What one submitter may have open; no bound if not given. */
  readonly admission?: AdmissionLimits;
}

/** Calls `store` or leaves it; whatever else it writes commits with what is stored. A transaction may run again. */
export type Within = (sql: Sql, store: () => Promise<Stored>) => Promise<void>;

/** What was stored, before it is announced. */
export interface Stored {
  readonly ids: readonly string[];
  readonly batchId: string | null;
}

/** Stores the requests in one transaction, `within` it if that is given. Throws UserErrors when the queue is full or an idempotency key is misused. */
export async function submit(
  { db, announcer, maxQueued, admission = NO_ADMISSION_LIMITS }: SubmitDependencies,
  requests: readonly SubmitRequest[],
  batch: NewBatch | null,
  within?: Within,
): Promise<Submitted> {
  const steps = requests.reduce((sum, request) => sum + request.version.plan.nodes.length, 0);
  const full = (await waitingSteps(db, maxQueued)) + steps > maxQueued;
  // A repeated request stores nothing, so a full queue does not stand against it.
  if (full && !(await allStoredBefore(db, requests))) {
    throw new UserErrors([
      {
        code: 'LIMIT_EXCEEDED',
        message: `${maxQueued} steps wait already, which is this server's limit. Try again when some are done.`,
        field: ['input'],
      },
    ]);
  }
  const admitted = await admittedRequests(db, admission, requests);
  noteSubmitted(db, steps);
  // Most calls are one Submission: its one statement needs no transaction around it.
  const outcome =
    batch === null && requests.length === 1 && !within
      ? await store(db, admitted, null)
      : await db.transaction(async (sql) => {
          if (!within) return store(sql, admitted, batch);
          let outcome: Outcome = { ids: [], batchId: null, committed: [] };
          await within(sql, async () => (outcome = await store(sql, admitted, batch)));
          return outcome;
        });
  for (const committed of outcome.committed) announcer.committed(committed);
  return { submissionIds: outcome.ids, batchId: outcome.batchId };
}

/**
 * The count is a bound, not a promise: it is read a few times a second and in between this process adds what it stores.
 * Near the limit it is read every time.
 */
const COUNT_FOR_MS = 250;
const counts = new WeakMap<Database, { count: number; readonly until: number }>();

async function waitingSteps(db: Database, maxQueued: number): Promise<number> {
  const known = counts.get(db);
  if (known && known.until > performance.now() && known.count < maxQueued / 2) return known.count;
  const count = await queuedCount(db, maxQueued + 1);
  counts.set(db, { count, until: performance.now() + COUNT_FOR_MS });
  return count;
}

function noteSubmitted(db: Database, steps: number): void {
  const known = counts.get(db);
  if (known) known.count += steps;
}

/** A request, and the priority at which it is admitted: that is no part of what was asked for. */
type AdmittedRequest = SubmitRequest & { readonly admittedAt: Priority };

/** A repeated call stores nothing, so it is admitted as it was the first time. */
async function admittedRequests(
  db: Database,
  limits: AdmissionLimits,
  requests: readonly SubmitRequest[],
): Promise<AdmittedRequest[]> {
  const asked = requests.map((request) => request.priority);
  const admitted = await admitSubmissions(db, limits, requests[0]?.submitter ?? '', asked).catch(
    async (error: unknown) => {
      if (error instanceof UserErrors && (await allStoredBefore(db, requests))) return asked;
      throw error;
    },
  );
  return requests.map((request, index) => ({ ...request, admittedAt: admitted[index] ?? request.priority }));
}

async function allStoredBefore(sql: Sql, requests: readonly SubmitRequest[]): Promise<boolean> {
  for (const { submitter, idempotencyKey } of requests) {
    if (idempotencyKey === null || !(await findByIdempotencyKey(sql, submitter, idempotencyKey))) return false;
  }
  return true;
}

interface Outcome extends Stored {
  readonly committed: readonly Committed[];
}

async function store(sql: Sql, requests: readonly AdmittedRequest[], batch: NewBatch | null): Promise<Outcome> {
  const batchId = batch === null ? null : await insertBatch(sql, requests[0]?.submitter ?? '', batch);
  const ids: string[] = [];
  const committed: Committed[] = [];
  let earlierBatchId: string | null = null;
  for (const request of requests) {
    const row = toRow(request, batchId);
    const inserted = await insertSubmission(sql, row);
    if (inserted) {
      ids.push(inserted.id);
      committed.push(inserted);
      continue;
    }
    const earlier = await earlierOne(sql, row, request.field);
    ids.push(earlier.id);
    earlierBatchId ??= earlier.batchId;
  }
  // A repeated call stores nothing, so it has no Batch of its own either.
  if (batchId !== null && committed.length === 0) {
    await deleteBatch(sql, batchId);
    return { ids, batchId: earlierBatchId, committed };
  }
  return { ids, batchId, committed };
}

async function earlierOne(sql: Sql, row: NewSubmission, field: readonly string[]): Promise<EarlierSubmission> {
  const key = row.idempotencyKey ?? '';
  const earlier = await findByIdempotencyKey(sql, row.submitter, key);
  if (earlier?.requestDigest === row.requestDigest) return earlier;
  const error: UserError = {
    code: 'CONFLICT',
    message: `The idempotency key ${JSON.stringify(key)} belongs to another request. Use a new key for a new request.`,
    field: [...field, 'idempotencyKey'],
  };
  throw new UserErrors([error]);
}

function toRow(request: AdmittedRequest, batchId: string | null): NewSubmission {
  const { version, inputs, reuse = true, reuseFrom = null, rerun = [] } = request;
  const { job } = version.plan;
  return {
    jobVersionId: version.id,
    jobName: job.name,
    priority: priorityRank(request.admittedAt),
    inputs,
    submitter: request.submitter,
    label: request.label,
    idempotencyKey: request.idempotencyKey,
    requestDigest: digestOf({
      job: job.name,
      inputs,
      priority: request.priority,
      label: request.label,
      ...(typeof request.timeoutSeconds === 'number' ? { timeoutSeconds: request.timeoutSeconds } : {}),
      ...(reuse ? {} : { reuse }),
      ...(reuseFrom === null ? {} : { reuseFrom, rerun }),
    }),
    batchId,
    timeoutSeconds: submissionSeconds(job, request.timeoutSeconds ?? null),
    reuse,
    reuseFrom,
    rerun,
    stepRuns: version.plan.nodes.map((node) => ({
      node: node.index,
      name: node.name,
      taskName: runName(node),
      queue: node.scatter ? '' : node.queue,
      waiting: node.predecessors.length,
      ...limitsOf(node),
      kind: rowKind(node),
      planned: node.planned,
      uses: usesOf(node),
    })),
    files: Object.entries(inputs).flatMap(([port, value]) =>
      filesIn(value).map((file, position) => ({ port, position, file })),
    ),
  };
}
