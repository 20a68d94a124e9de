/** An engine on a database of its own, with small jobs that are defined in a line. */
import { INLINE_QUEUE } from '../../src/domain/compileJob';
import type {
  BackendSpec,
  JobSpec,
  Link,
  ResourceSpec,
  RetryPolicy,
  Scatter,
  StepSpec,
  TaskSpec,
  When,
} from '../../src/domain/definitions';
import type { AdmissionLimits } from '../../src/domain/admission';
import { evaluatePlain, isPlain } from '../../src/domain/expression';
import type { SubmissionEvent } from '../../src/domain/events';
import type { Priority, StepRunState, SubmissionState } from '../../src/domain/states';
import { scalar, type Values, type ValueType } from '../../src/domain/values';
import type { Announcer } from '../../src/engine/announcer';
import { loadCatalog } from '../../src/engine/catalog';
import { claim, type Work } from '../../src/engine/claim';
import { completeAttempts, type AttemptReport } from '../../src/engine/complete';
import { API_SOURCE, define, type DefineOutcome } from '../../src/engine/define';
import { createPlans, type JobVersion, type Plans } from '../../src/engine/plans';
import { planDue } from '../../src/engine/planner';
import type { Evaluate } from '../../src/engine/planner/compute';
import { reconcile } from '../../src/engine/reconcile';
import { submit, type SubmitRequest } from '../../src/engine/submit';
import { openDatabase, type Database, type Sql } from '../../src/store/database';
import { registerWorker } from '../../src/store/statements/workers';
import type { Committed } from '../../src/store/statements/changes';
import { createTestDatabase } from '../support/services';

/** An announcer that remembers. */
export interface Heard extends Announcer {
  readonly events: SubmissionEvent[];
  readonly outbox: Committed['outbox'][number][];
  readonly cancelled: string[];
  definitionChanges: number;
}

export interface StepRow {
  readonly id: string;
  readonly name: string;
  readonly state: StepRunState;
  readonly waiting: number;
  readonly attempt: number;
  readonly failures: number;
  readonly lost: number;
  readonly exit_code: number | null;
  readonly worker_id: string | null;
  readonly cancel_requested: boolean;
  readonly message: string;
}

export interface SubmissionRecord {
  readonly id: string;
  readonly state: SubmissionState;
  readonly ending: string | null;
  readonly message: string;
  readonly unfinished: number;
  readonly event_seq: number;
  readonly outputs: Values | null;
}

export interface TestEngine {
  readonly db: Database;
  readonly url: string;
  readonly plans: Plans;
  readonly heard: Heard;
  /** What the functions of the engine take. */
  readonly dependencies: {
    readonly db: Database;
    readonly plans: Plans;
    readonly announcer: Heard;
    readonly maxQueued: number;
  };
  define(
    tasks: readonly TaskSpec[],
    jobs: readonly JobSpec[],
    options?: {
      source?: string;
      mode?: 'add' | 'replace';
      backends?: readonly BackendSpec[];
      resources?: readonly ResourceSpec[];
    },
  ): Promise<DefineOutcome>;
  version(job: string): Promise<JobVersion>;
  /** The id of a new Submission. */
  submit(
    job: string,
    options?: {
      priority?: Priority;
      inputs?: Values;
      key?: string;
      label?: string;
      maxQueued?: number;
      submitter?: string;
      admission?: AdmissionLimits;
      timeoutSeconds?: number;
    } & Pick<SubmitRequest, 'reuse' | 'reuseFrom' | 'rerun'>,
  ): Promise<string>;
  worker(): Promise<string>;
  claim(workerId: string, limit?: number, queues?: readonly string[]): Promise<Work[]>;
  /** Lets steps run again whose wait is over. */
  retry(): Promise<void>;
  /** Lets the planner work until nothing is due. */
  plan(): Promise<void>;
  complete(...reports: readonly AttemptReport[]): Promise<number>;
  submission(id: string): Promise<SubmissionRecord>;
  steps(id: string): Promise<Record<string, StepRow>>;
  /** Names by state, in the order of definition. */
  states(id: string): Promise<string>;
  events(id: string): Promise<SubmissionEvent[]>;
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function openEngine(options: { poolSize?: number } = {}): Promise<TestEngine> {
  const database = await createTestDatabase();
  const db = await openDatabase(database.url, options);
  await db.migrate();
  const heard = listen();
  let plans = createPlans(db);
  let statement = 0;
  const rows: TestEngine['rows'] = async (text, values = []) =>
    db.query<never>({ name: `test-${(statement += 1)}`, text }, values);

  const engine: TestEngine = {
    db,
    url: database.url,
    get plans() {
      return plans;
    },
    heard,
    get dependencies() {
      return { db, plans, announcer: heard, maxQueued: 200_000 };
    },
    define: (tasks, jobs, { source = API_SOURCE, mode = 'add', backends = [], resources = [] } = {}) =>
      define({ db, announcer: heard }, [{ source, mode, set: { backends, tasks, jobs, resources } }]),
    version: async (job) => {
      const found = (await loadCatalog(db)).jobs.get(job);
      if (!found) throw new Error(`no job ${job}`);
      return found.compiled;
    },
    submit: async (
      job,
      {
        priority = 'NORMAL',
        inputs = {},
        key,
        label = '',
        maxQueued = 10_000,
        submitter = 'test',
        timeoutSeconds,
        admission,
        ...reuse
      } = {},
    ) => {
      const version = await engine.version(job);
      const { submissionIds } = await submit(
        { db, announcer: heard, maxQueued, ...(admission ? { admission } : {}) },
        [
          {
            version,
            inputs,
            priority,
            submitter,
            label,
            idempotencyKey: key ?? null,
            timeoutSeconds: timeoutSeconds ?? null,
            field: ['input'],
            ...reuse,
          },
        ],
        null,
      );
      return submissionIds[0] ?? '';
    },
    worker: () =>
      registerWorker(db, { host: 'test', pid: 1, queues: ['local'], concurrency: 10, waitingConcurrency: 0 }),
    claim: (workerId, limit = 100, queues = ['local', INLINE_QUEUE]) =>
      claim(engine.dependencies, workerId, queues, limit),
    retry: async () => {
      await reconcile(engine.dependencies, 60, { judge: false });
    },
    plan: async () => {
      while ((await planDue({ ...engine.dependencies, evaluate, maxScatter: 200_000 })) > 0);
    },
    complete: (...reports) => completeAttempts(engine.dependencies, reports),
    submission: async (id) => {
      const [row] = await rows<SubmissionRecord>('select * from submission where id = $1', [id]);
      if (!row) throw new Error(`no submission ${id}`);
      return row;
    },
    steps: async (id) => {
      const found = await rows<StepRow>('select * from step_run where submission_id = $1 order by id', [id]);
      return Object.fromEntries(found.map((row) => [row.name, row]));
    },
    states: async (id) =>
      Object.values(await engine.steps(id))
        .map((row) => `${row.name}:${row.state}`)
        .join(' '),
    events: (id) =>
      rows<SubmissionEvent>(
        `select submission_id as "submissionId", seq, type, state, step_run_id as "stepRunId", step_name as "stepName",
           attempt, percent, message from event where submission_id = $1 order by seq`,
        [id],
      ),
    rows,
    clear: async () => {
      await rows(
        'truncate submission, worker, outbox, upload, batch, definition, definition_version, run_limit, queue_pause cascade',
      );
      await define({ db, announcer: heard }, []);
      plans = createPlans(db);
      heard.events.length = 0;
      heard.outbox.length = 0;
      heard.cancelled.length = 0;
      heard.definitionChanges = 0;
    },
    close: async () => {
      await db.close();
      await database.drop();
    },
  };
  return engine;
}

/** References and templates; scripts have tests of their own. */
const evaluate: Evaluate = (expression, contexts) =>
  Promise.resolve(
    contexts.map((context) => {
      if (!isPlain(expression)) throw new Error('a script in a test of the engine');
      return { ok: true, value: evaluatePlain(expression, context, 100_000) };
    }),
  );

function listen(): Heard {
  const heard: Heard = {
    events: [],
    outbox: [],
    cancelled: [],
    definitionChanges: 0,
    committed: ({ events, outbox }) => {
      heard.events.push(...events);
      heard.outbox.push(...outbox);
    },
    cancelRequested: (ids) => heard.cancelled.push(...ids),
    definitionsChanged: () => {
      heard.definitionChanges += 1;
    },
  };
  return heard;
}

/** A report of success, but for what `differently` says. */
export function ended(work: Work, workerId: string, differently: Partial<AttemptReport> = {}): AttemptReport {
  return {
    stepRunId: work.stepRunId,
    submissionId: work.submissionId,
    attempt: work.attempt,
    workerId,
    state: 'SUCCEEDED',
    failure: null,
    retryable: false,
    terminate: false,
    exitCode: 0,
    signal: null,
    message: '',
    outputs: {},
    cpuMs: 1.5,
    peakMemoryBytes: 1024,
    ...differently,
  };
}

/** A task with an output `out`, and an optional input `in` for every name of `inputs` (`name!` is required). */
export function task(name: string, { inputs = [], retry = {}, type = 'string' }: TaskOptions = {}): TaskSpec {
  return {
    name,
    description: '',
    backend: 'local',
    inputs: inputs.map((input) => ({
      name: input.replace('!', ''),
      description: '',
      type: input.endsWith('!') ? scalar(type) : optional(scalar(type)),
    })),
    parameters: [],
    outputs: [
      { name: 'out', description: '', type: scalar(type), from: 'stdout', glob: 'out', path: 'out', read: 'text' },
    ],
    command: { kind: 'argv', argv: [{ parts: [{ kind: 'literal', text: 'true' }] }] },
    environment: {},
    exitRules: { success: [0], temporary: [75], terminate: [] },
    missingOutput: 'CONTINUE',
    retry: { maxAttempts: 3, initialDelaySeconds: 0, maxDelaySeconds: 0, factor: 1, ...retry },
    timeoutSeconds: 10,
    configuration: [],
  };
}

interface TaskOptions {
  readonly inputs?: readonly string[];
  readonly retry?: Partial<RetryPolicy>;
  readonly type?: 'string' | 'File' | 'Any';
}

const optional = (type: ValueType): ValueType => ({ kind: 'union', types: [scalar('null'), type] });

export interface StepOptions {
  readonly task?: string;
  readonly after?: readonly string[];
  /** Port to `step.port`, or to a literal behind `=`. */
  readonly in?: Readonly<Record<string, string>>;
  readonly when?:
    { readonly step: string; readonly exitCodes: readonly number[] } | Extract<When, { kind: 'expression' }>;
  readonly job?: string;
  /** Links of other kinds than `in` can say. */
  readonly links?: Readonly<Record<string, Link>>;
  readonly scatter?: readonly string[];
  readonly method?: Scatter['method'];
}

/** A job of steps that all run the task `work` unless they say otherwise. `out` names the step that its output comes from. */
export function job(
  name: string,
  steps: Readonly<Record<string, StepOptions>>,
  out?: string,
  inputs: Readonly<Record<string, ValueType>> = {},
): JobSpec {
  return {
    name,
    description: '',
    inputs: Object.entries(inputs).map(([input, type]) => ({ name: input, description: '', type, validators: [] })),
    steps: Object.entries(steps).map(([step, options]): StepSpec => {
      const { task: runs = 'work', after = [], in: links = {}, when } = options;
      const linked = Object.entries(links).map(([port, from]): [string, Link] => {
        if (from.startsWith('=')) return [port, { kind: 'value', value: from.slice(1) }];
        const [source = '', output = 'out'] = from.split('.');
        return [port, { kind: 'output', step: source, port: output }];
      });
      return {
        name: step,
        run: options.job === undefined ? { kind: 'task', task: runs } : { kind: 'job', job: options.job },
        links: { ...Object.fromEntries(linked), ...options.links },
        after,
        ...(when ? { when: 'step' in when ? { kind: 'exit', ...when } : when } : {}),
        ...(options.scatter ? { scatter: { ports: options.scatter, method: options.method ?? 'dot' } } : {}),
      };
    }),
    outputs:
      out === undefined
        ? []
        : [
            {
              name: 'result',
              description: '',
              type: optional(scalar('string')),
              source: { kind: 'output', step: out, port: 'out' },
            },
          ],
  };
}

/** Rows of these tables that this connection has read so far in the transaction, and a constant. */
export async function rowsRead(sql: Sql, tables: readonly string[] = ['step_run']): Promise<number> {
  const rows = await sql.query<{ read: number }>(
    {
      name: 'rows-read',
      text: `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read from pg_stat_xact_user_tables
             where relname = any($1)`,
    },
    [tables],
  );
  return rows[0]?.read ?? NaN;
}
