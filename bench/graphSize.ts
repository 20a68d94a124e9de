/** Completing a step in graphs of 10 to 100,000 steps: the same engine calls, batch by batch, in one process. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { INLINE_QUEUE } from '../src/domain/compileJob';
import type { Announcer } from '../src/engine/announcer';
import { cancelSubmission } from '../src/engine/cancel';
import { claim } from '../src/engine/claim';
import { completeAttempts } from '../src/engine/complete';
import { define } from '../src/engine/define';
import { loadCatalog } from '../src/engine/catalog';
import { planDue } from '../src/engine/planner';
import { createPlans } from '../src/engine/plans';
import { submit } from '../src/engine/submit';
import { openDatabase, type Database } from '../src/store/database';
import { registerWorker } from '../src/store/statements/workers';
import { parseDefinitions } from '../src/formats/parse';
import { blankReport } from '../workers/reports';
import { quantile, type Bench, type Row } from './support';

const SIZES = [10, 100, 1_000, 10_000, 100_000];
const QUICK_SIZES = [10, 1_000];
/** Steps that are taken and completed together, and how often. */
const BATCH = 5;
const ROUNDS = 400;
const QUICK_ROUNDS = 20;
const REACH_PERCENT = 20;

const SILENT: Announcer = {
  committed: () => undefined,
  cancelRequested: () => undefined,
  definitionsChanged: () => undefined,
};

const DEFINITIONS = `
task: same
description: Gives what it gets.
expression: $(inputs)
inputs: { value: int }
outputs: { value: { type: int } }
---
job: each
description: One step for each number of a list.
inputs: { numbers: 'int[]' }
steps: { each: { task: same, in: { value: numbers }, scatter: value } }
`;

interface Measured {
  readonly size: number;
  /** Median of the rounds, per step. */
  readonly microseconds: number;
  readonly statements: number;
}

export const graphSize: Bench = {
  name: 'graph-size',
  run: async ({ services, quick }) => {
    const url = await freshDatabase(services.databaseUrl);
    const counted = counting(await openDatabase(url));
    try {
      await counted.db.migrate();
      const parsed = parseDefinitions({ name: 'bench', text: DEFINITIONS });
      if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
      await define({ db: counted.db, announcer: SILENT }, [{ source: 'api', mode: 'add', set: parsed.set }]);
      const rounds = quick ? QUICK_ROUNDS : ROUNDS;
      await measure(counted, 1_000, rounds);
      const measured: Measured[] = [];
      for (const size of quick ? QUICK_SIZES : SIZES) measured.push(await measure(counted, size, rounds));
      return rowsOf(measured);
    } finally {
      await counted.db.close();
    }
  },
};

interface Counted {
  readonly db: Database;
  /** Statements so far. */
  readonly statements: () => number;
}

function counting(db: Database): Counted {
  let count = 0;
  return {
    db: {
      ...db,
      query: (statement, values) => {
        count += 1;
        return db.query(statement, values);
      },
      transaction: (work) =>
        db.transaction((sql) =>
          work({
            query: (statement, values) => {
              count += 1;
              return sql.query(statement, values);
            },
          }),
        ),
    },
    statements: () => count,
  };
}

async function freshDatabase(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** Half of each graph at most is completed, so that no graph ends while it is measured. */
async function measure({ db, statements }: Counted, size: number, rounds: number): Promise<Measured> {
  const plans = createPlans(db);
  const engine = { db, plans, announcer: SILENT };
  const evaluate = () => Promise.reject(new Error('nothing is to be computed'));
  const version = (await loadCatalog(db)).jobs.get('each')?.compiled;
  if (!version) throw new Error('the job is not there');
  const workerId = await registerWorker(db, {
    host: 'bench',
    pid: process.pid,
    queues: [],
    concurrency: BATCH,
    waitingConcurrency: 0,
  });
  const times: number[] = [];
  let asked = 0;
  let current: string | undefined;
  for (let round = 0, left = 0; round < rounds; round += 1) {
    if (left < BATCH) {
      if (current !== undefined) await cancelSubmission(engine, current, 'measured');
      const inputs = { numbers: Array.from({ length: size }, (_, index) => index) };
      const request = { version, inputs, priority: 'NORMAL', submitter: 'bench', label: '' } as const;
      const { submissionIds } = await submit(
        { db, announcer: SILENT, maxQueued: 1_000_000 },
        [{ ...request, idempotencyKey: null, field: ['input'] }],
        null,
      );
      while ((await planDue({ ...engine, evaluate, maxScatter: 1_000_000 })) > 0);
      current = submissionIds[0];
      left = Math.max(BATCH, Math.min(size / 2, 1_000));
    }
    left -= BATCH;
    const works = await claim(engine, workerId, [INLINE_QUEUE], BATCH);
    if (works.length !== BATCH) throw new Error(`${works.length} steps were ready in place of ${BATCH}`);
    const reports = works.map((work) => ({
      ...blankReport(work, workerId),
      state: 'SUCCEEDED' as const,
      outputs: work.values,
    }));
    const before = statements();
    const begin = performance.now();
    const completed = await completeAttempts(engine, reports);
    times.push(((performance.now() - begin) * 1_000) / BATCH);
    asked += statements() - before;
    if (completed !== BATCH) throw new Error(`${completed} steps counted in place of ${BATCH}`);
  }
  if (current !== undefined) await cancelSubmission(engine, current, 'measured');
  return { size, microseconds: quantile(times, 0.5), statements: asked / (rounds * BATCH) };
}

function rowsOf(measured: readonly Measured[]): Row[] {
  const times = measured.map(({ microseconds }) => microseconds);
  const spread = (Math.max(...times) / Math.min(...times) - 1) * 100;
  return [
    ...measured.map(({ size, microseconds, statements }): Row => ({
      what: `completing a step among ${size}`,
      figure: `${microseconds.toFixed(0)} µs, ${statements.toFixed(2)} statements`,
      reach: 'told',
      met: null,
      detail: `median of batches of ${BATCH}, each in a transaction of its own`,
    })),
    {
      what: 'largest difference between these',
      figure: `${spread.toFixed(0)} %`,
      reach: `≤ ${REACH_PERCENT} %`,
      met: spread <= REACH_PERCENT,
      detail: '',
    },
  ];
}
