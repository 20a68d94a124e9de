/** Limits hold: for tasks, backends, jobs, users and resources, whoever asks at once and whatever dies. */
import type { Link } from '../../src/domain/definitions';
import { cancelSubmission } from '../../src/engine/cancel';
import type { Work } from '../../src/engine/claim';
import { LOCAL_BACKEND } from '../../src/engine/define';
import { reconcile } from '../../src/engine/reconcile';
import { laneHeads, moveToLanes, waitingLanes } from '../../src/store/statements/lanes';
import { limitUsage, putUserLimit } from '../../src/store/statements/limits';
import { ended, job, rowsRead, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
let worker: string;
const wide = (name: string, width: number, runs = 'work') =>
  job(name, Object.fromEntries(Array.from({ length: width }, (_, index) => [`s${index}`, { task: runs }])));
const matlab = (amount: number) => ({ name: 'matlab', description: '', amount });

withEngine(
  async (opened) => {
    engine = opened;
    worker = await engine.worker();
  },
  { poolSize: 20 },
);

const running = async (): Promise<number> => {
  const [row] = await engine.rows<{ count: number }>(
    `select count(*)::int as count from step_run where state = 'RUNNING'`,
  );
  return row?.count ?? NaN;
};

test.each([0, 1, 3])('no more than %i steps of a task run, however many workers ask at once', async (maxRunning) => {
  await engine.define([{ ...task('work'), maxRunning }], [wide('wide', 8)]);
  for (let index = 0; index < 3; index += 1) await engine.submit('wide');
  const workers = await Promise.all(Array.from({ length: 6 }, () => engine.worker()));
  let left = 24;
  for (let round = 0; round < (maxRunning === 0 ? 1 : 8); round += 1) {
    const taken = await Promise.all(workers.map((one) => engine.claim(one, 2)));
    expect(taken.flat()).toHaveLength(Math.min(left, maxRunning));
    expect(await running()).toBe(Math.min(left, maxRunning));
    left -= taken.flat().length;
    await engine.complete(...taken.flatMap((works, index) => works.map((work) => ended(work, workers[index] ?? ''))));
  }
  expect(left).toBe(maxRunning === 0 ? 24 : Math.max(0, 24 - 8 * maxRunning));
});

test('steps without limits go past those that wait for one', async () => {
  await engine.define([{ ...task('slow'), maxRunning: 1 }, task('work')], [wide('slow', 5, 'slow'), wide('wide', 3)]);
  await engine.submit('slow');
  const free = await engine.submit('wide');
  const taken = await engine.claim(worker, 10);
  expect(taken.filter((work) => work.submissionId === free)).toHaveLength(3);
  expect(taken).toHaveLength(4);
});

test('what a worker that died had of a limit is free when its steps are found, and not before', async () => {
  await engine.define([{ ...task('work'), maxRunning: 2 }], [wide('wide', 4)]);
  await engine.submit('wide');
  expect(await engine.claim(worker)).toHaveLength(2);
  const other = await engine.worker();
  expect(await engine.claim(other)).toEqual([]);
  await engine.rows(`update worker set heartbeat_at = now() - interval '1 hour' where id = $1`, [worker]);
  await reconcile(engine.dependencies, 10);
  expect(await engine.claim(other)).toHaveLength(2);
});

test('a step that is being cancelled counts until its worker has stopped it', async () => {
  await engine.define([{ ...task('work'), maxRunning: 1 }], [wide('wide', 1)]);
  const first = await engine.submit('wide');
  await engine.submit('wide');
  const [work] = (await engine.claim(worker)) as [Work];
  await cancelSubmission(engine.dependencies, first, 'Enough.');
  expect(await engine.claim(worker)).toEqual([]);
  await engine.complete(ended(work, worker, { state: 'CANCELLED' }));
  expect(await engine.claim(worker)).toHaveLength(1);
});

test('a step that is tried again takes its part of the limit again', async () => {
  await engine.define([{ ...task('work'), maxRunning: 1 }], [wide('wide', 2)]);
  await engine.submit('wide');
  const [work] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(work, worker, { state: 'FAILED', retryable: true, exitCode: 75 }));
  await reconcile(engine.dependencies, 10);
  expect(await engine.claim(worker)).toHaveLength(1);
  expect(await engine.claim(worker)).toEqual([]);
});

test('an amount that changes holds at once for what waits, up and down', async () => {
  const define = (maxRunning: number) => engine.define([{ ...task('work'), maxRunning }], [wide('wide', 8)]);
  await define(1);
  await engine.submit('wide');
  expect(await engine.claim(worker)).toHaveLength(1);
  await define(3);
  expect(await engine.claim(worker)).toHaveLength(2);
  await define(1);
  expect(await engine.claim(worker)).toEqual([]);
});

test('a limit that comes to be holds for what waits, and counts what runs', async () => {
  await engine.define([task('work')], [wide('wide', 6)]);
  await engine.submit('wide');
  expect(await engine.claim(worker, 2)).toHaveLength(2);
  await engine.define([{ ...task('work'), maxRunning: 3 }], []);
  expect(await engine.claim(worker)).toHaveLength(1);
  await engine.define([task('work')], []);
  expect(await engine.claim(worker)).toHaveLength(3);
});

test('a step that was being stored while its limit came to be is found', async () => {
  await engine.define([task('work')], [wide('wide', 3)]);
  await engine.submit('wide');
  await engine.rows(`insert into run_limit (key, amount) values ('task:work', 1)`);
  await reconcile(engine.dependencies, 10);
  expect(await engine.claim(worker)).toHaveLength(1);
});

test('backends and jobs have limits of their own, and all that concern a step hold together', async () => {
  await engine.define([task('work')], [{ ...wide('small', 4), maxRunning: 2 }, wide('large', 4)], {
    backends: [{ ...LOCAL_BACKEND, maxRunning: 3 }],
  });
  const small = await engine.submit('small');
  await engine.submit('large');
  const taken = await engine.claim(worker);
  expect(taken).toHaveLength(3);
  expect(taken.filter((work) => work.submissionId === small).length).toBeLessThanOrEqual(2);
});

test('elements of a scatter and steps of a nested job stand under limits as others do', async () => {
  const texts: Link = { kind: 'value', value: ['a', 'b', 'c', 'd'] };
  await engine.define(
    [{ ...task('work', { inputs: ['x'] }), maxRunning: 3 }],
    [
      { ...wide('inner', 4), maxRunning: 1 },
      job('outer', { each: { links: { x: texts }, scatter: ['x'] }, nested: { job: 'inner' } }),
    ],
  );
  await engine.submit('outer');
  await engine.plan();
  const first = await engine.claim(worker);
  expect(first).toHaveLength(3);
  await engine.complete(...first.map((work) => ended(work, worker)));
  await moveToLanes(engine.db);
  const names = [...first];
  for (let round = 0; round < 10; round += 1) {
    const taken = await engine.claim(worker);
    expect(taken.length).toBeLessThanOrEqual(3);
    expect(taken.filter((work) => work.name.startsWith('nested/')).length).toBeLessThanOrEqual(1);
    names.push(...taken);
    await engine.complete(...taken.map((work) => ended(work, worker)));
  }
  expect(names).toHaveLength(8);
});

test('each user has the limit of users to himself', async () => {
  await engine.define([task('work')], [wide('wide', 4)]);
  expect(await putUserLimit(engine.db, 2)).toBe(true);
  for (const submitter of ['ann', 'bob']) await engine.submit('wide', { submitter });
  const submitters = async (works: readonly Work[]): Promise<Record<string, number>> => {
    const rows = await engine.rows<{ submitter: string; count: number }>(
      `select submitter, count(*)::int as count from step_run where id = any($1) group by submitter`,
      [works.map((work) => work.stepRunId)],
    );
    return Object.fromEntries(rows.map((row) => [row.submitter, row.count]));
  };
  expect(await submitters(await engine.claim(worker))).toEqual({ ann: 2, bob: 2 });
  expect(await engine.claim(worker)).toEqual([]);
  await putUserLimit(engine.db, null);
  await moveToLanes(engine.db);
  expect(await submitters(await engine.claim(worker))).toEqual({ ann: 2, bob: 2 });
});

test('a resource is shared by tasks, by the units that each needs', async () => {
  await engine.define(
    [
      { ...task('one'), uses: { matlab: 1 } },
      { ...task('two'), uses: { matlab: 2 } },
    ],
    [wide('ones', 4, 'one'), wide('twos', 1, 'two')],
    { resources: [matlab(3)] },
  );
  await engine.submit('twos');
  await engine.submit('ones');
  const taken = await engine.claim(worker);
  expect(taken.map((work) => work.task.name).sort()).toEqual(['one', 'two']);
  await engine.complete(...taken.map((work) => ended(work, worker)));
  expect(await engine.claim(worker)).toHaveLength(3);
});

test('a task cannot use a resource that is not there, nor more of it than there is', async () => {
  const uses = (units: number) => [{ ...task('work'), uses: { matlab: units } }];
  expect(await engine.define(uses(1), [])).toMatchObject({
    ok: false,
    problems: [{ name: 'work', path: ['uses', 'matlab'], message: 'there is no resource "matlab"' }],
  });
  expect(await engine.define(uses(3), [], { resources: [matlab(2)] })).toMatchObject({
    ok: false,
    problems: [{ message: 'it uses 3 of "matlab", and there are only 2' }],
  });
  expect(await engine.define(uses(2), [], { resources: [matlab(2)] })).toMatchObject({ ok: true });
  expect(await engine.define([], [], { mode: 'replace' })).toMatchObject({ ok: true });
});

test('a claim under limits reads a few rows for each lane, however many wait there', async () => {
  await engine.define([{ ...task('work'), maxRunning: 1 }], [wide('wide', 1)]);
  await engine.submit('wide');
  expect(await engine.claim(worker)).toHaveLength(1);
  await engine.rows(`
    with sub as (
      insert into submission (job_version_id, job_name, state, priority, inputs, submitter, request_digest, unfinished)
      select id, 'wide', 'QUEUED', 1, '{}', 'bulk', '', 100000 from definition_version where name = 'wide'
      returning id
    )
    insert into step_run (submission_id, node, name, task_name, state, waiting, queue, priority, submitter, lane, ready_at, rank_at)
    select sub.id, n, 'bulk', 'work', 'QUEUED', 0, 'local', 1, 'bulk', '{"task:work": 1}', now(), now() + n * interval '1 microsecond'
    from sub, generate_series(1, 100000) as n`);
  for (let index = 0; index < 7; index += 1) {
    const [before, after] = await engine.db.transaction(async (sql) => {
      const start = await rowsRead(sql);
      const lanes = await waitingLanes(sql, ['local', 'other']);
      expect(lanes).toHaveLength(7);
      expect(await limitUsage(sql, ['task:work'])).toEqual(new Map([['task:work', { used: 1, amount: 1 }]]));
      expect(
        await laneHeads(
          sql,
          lanes.map((lane) => ({ ...lane, count: 10 })),
        ),
      ).toHaveLength(10);
      return [start, await rowsRead(sql)];
    });
    expect(after - before).toBeLessThan(100);
  }
  expect(await engine.claim(worker, 10)).toEqual([]);
}, 60_000);
