/** Counting for graphs: from real rows of scatters and nested jobs. */
import type { JobSpec, Link } from '../../src/domain/definitions';
import { runsByPart, type PartRuns } from '../../src/domain/graphRuns';
import { graphOf } from '../../src/domain/graphView';
import { scalar } from '../../src/domain/values';
import { cancelSubmission } from '../../src/engine/cancel';
import { countedRuns } from '../../src/store/statements/graphRuns';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

const input = (name: string): Link => ({ kind: 'input', input: name });
const any = scalar('Any');
const WORK = task('work', { inputs: ['x'], retry: { maxAttempts: 1 } });
const INNER = job('inner', { first: { links: { x: input('x') } }, then: { in: { x: 'first.out' } } }, 'then', {
  x: any,
});
const OUTER = job(
  'outer',
  {
    each: { job: 'inner', links: { x: input('texts') }, scatter: ['x'] },
    many: { links: { x: input('numbers') }, scatter: ['x'] },
    last: { after: ['each', 'many'] },
  },
  'last',
  { texts: any, numbers: any },
);
const loose = (spec: JobSpec): JobSpec => ({ ...spec, outputs: spec.outputs.map((one) => ({ ...one, type: any })) });

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
  expect(await engine.define([WORK], [loose(INNER), loose(OUTER)])).toMatchObject({ ok: true });
});

async function graphRuns(id: string): Promise<(part: string) => PartRuns | undefined> {
  const { plan } = await engine.version('outer');
  const counted = await countedRuns(engine.db, id);
  const runs = runsByPart(graphOf(plan, { first: 100, depth: 2 }), counted);
  return (part) => runs.get(part);
}

test('each node counts the runs of all elements, and the elements to come', async () => {
  const numbers = Array.from({ length: 3_000 }, (_, index) => String(index));
  const id = await engine.submit('outer', { inputs: { texts: ['a', 'b', 'c'], numbers } });
  await engine.plan();
  const waiting = await graphRuns(id);
  expect(waiting('many')).toMatchObject({ state: 'RUNNING', total: 3_000 });
  const some = (await engine.claim(worker, 5)).filter(({ name }) => /first|many/.test(name));
  await engine.complete(...some.map((work) => ended(work, worker, { outputs: { out: 'x' } })));
  await engine.plan();

  const runs = await graphRuns(id);
  const rows = await engine.rows<{ name: string; state: string }>(
    `select regexp_replace(name, '\\[\\d+\\]', '', 'g') as name, state from step_run
     where submission_id = $1 and kind = 'TASK'`,
    [id],
  );
  const having = (name: string, state: string): number =>
    rows.filter((row) => row.name === name && row.state === state).length;
  expect(some).toHaveLength(5);
  for (const name of ['each/first', 'each/then']) {
    expect(runs(name)).toMatchObject({ total: 3, stepRunId: null });
    expect(runs(name)?.counts).toMatchObject({ SUCCEEDED: having(name, 'SUCCEEDED'), QUEUED: having(name, 'QUEUED') });
  }
  expect(runs('each')).toMatchObject({ state: 'RUNNING', total: 3, counts: { RUNNING: 3 } });
  const many = runs('many');
  expect(many?.total).toBe(3_000);
  expect(many?.counts.SUCCEEDED).toBe(having('many', 'SUCCEEDED'));
  expect(many?.counts.PENDING).toBe(3_000 - rows.filter((row) => row.name === 'many').length);
  expect(runs('last')).toMatchObject({ state: 'PENDING', total: 1 });
  const [scatter] = await engine.rows<{ id: string }>(
    `select id from step_run where submission_id = $1 and name = 'many'`,
    [id],
  );
  expect(many?.stepRunId).toBe(scatter?.id);
});

test('after a cancel nothing is awaited any more', async () => {
  const numbers = Array.from({ length: 3_000 }, (_, index) => String(index));
  const id = await engine.submit('outer', { inputs: { texts: ['a'], numbers } });
  await engine.plan();
  await cancelSubmission(engine.dependencies, id, 'enough');
  const runs = await graphRuns(id);
  for (const part of ['each', 'many', 'last', 'each/first']) expect(runs(part)).toMatchObject({ state: 'CANCELLED' });
  expect(runs('many')?.counts.PENDING).toBe(0);
});

test('the statement gives a row per step and state, however many step runs there are', async () => {
  const numbers = Array.from({ length: 3_000 }, (_, index) => String(index));
  const id = await engine.submit('outer', { inputs: { texts: ['a', 'b'], numbers } });
  await engine.plan();
  const counted = await countedRuns(engine.db, id);
  expect(counted.length).toBeLessThan(20);
});
