/** Many submitters, one queue: who has just come is soon served, and nobody is left behind. */
import type { Work } from '../../src/engine/claim';
import { applyChanges } from '../../src/store/statements/changes';
import { claimStepRuns } from '../../src/store/statements/claim';
import { insertSubmission, type NewStepRun } from '../../src/store/statements/insertSubmission';
import { lockSubmissions } from '../../src/store/statements/locks';
import { ended, job, rowsRead, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

const WIDTH = 500;

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  await engine.define(
    [task('work')],
    [
      job('one', { only: {} }),
      job('two', { first: {}, second: { after: ['first'] } }),
      job('wide', Object.fromEntries(Array.from({ length: WIDTH }, (_, index) => [`s${index}`, {}]))),
    ],
  );
  worker = await engine.worker();
});

const submit = (submitter: string, name = 'one', priority: 'HIGH' | 'NORMAL' | 'LOW' = 'NORMAL'): Promise<string> =>
  engine.submit(name, { submitter, priority, maxQueued: 1_000_000 });

/** A hundred thousand steps of a hundred submitters, at all priorities. */
async function fillQueue(): Promise<void> {
  await engine.rows(`
    with sub as (
      insert into submission (job_version_id, job_name, state, priority, inputs, submitter, request_digest, unfinished)
      select id, 'wide', 'QUEUED', 1, '{}', 'bulk', '', 100000 from definition_version where name = 'wide'
      returning id
    )
    insert into step_run (submission_id, node, name, task_name, state, waiting, queue, priority, submitter, ready_at, rank_at)
    select sub.id, n, 'bulk', 'work', 'QUEUED', 0, 'local', n % 3, 'bulk' || n % 100, now(), now() + n * interval '1 microsecond'
    from sub, generate_series(1, 100000) as n`);
}

/** Takes so many steps one by one; whose they were. */
async function taken(count: number): Promise<string[]> {
  const names: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const [work] = await engine.claim(worker, 1);
    if (work) names.push(await submitterOf(work));
  }
  return names;
}

async function submitterOf(work: Work): Promise<string> {
  const rows = await engine.rows<{ submitter: string }>('select submitter from submission where id = $1', [
    work.submissionId,
  ]);
  return rows[0]?.submitter ?? '';
}

test('one step is among the next few, though another submitter has ten thousand waiting', async () => {
  for (let round = 0; round < 20; round += 1) await submit('many', 'wide');
  await taken(5);
  await submit('few');
  expect((await taken(3)).filter((name) => name === 'few')).toHaveLength(1);
}, 60_000);

test('two submitters with much to do take turns', async () => {
  await submit('first', 'wide');
  await submit('second', 'wide');
  const names = await taken(40);
  for (const name of ['first', 'second']) expect(names.filter((one) => one === name).length).toBeGreaterThanOrEqual(19);
});

test('a stream of ever new submitters does not starve the one who waits', async () => {
  await submit('many', 'wide');
  await taken(1);
  const names: string[] = [];
  for (let round = 0; round < 40; round += 1) {
    await submit(`new-${round}`);
    names.push(...(await taken(1)));
  }
  expect(names.filter((name) => name === 'many').length).toBeGreaterThanOrEqual(5);
});

test("a submitter's steps keep their order", async () => {
  const sent: string[] = [];
  for (let index = 0; index < 12; index += 1) {
    sent.push(await submit('one'));
    if (index % 3 === 0) await submit(`other-${index}`);
    if (index === 6) await engine.claim(worker, 2);
  }
  const rows = await engine.rows<{ submission_id: string }>(
    `select submission_id from step_run where submitter = 'one' order by rank_at, id`,
  );
  expect(rows.map((row) => row.submission_id)).toEqual(sent);
});

test('a step that became ready later stands behind its submitter’s others and not behind everybody', async () => {
  const chain = await submit('few', 'two');
  const [first] = (await engine.claim(worker, 1)) as [Work];
  await submit('many', 'wide');
  await taken(3);
  await engine.complete(ended(first, worker));
  expect(await engine.states(chain)).toBe('first:SUCCEEDED second:QUEUED');
  expect(await taken(3)).toContain('few');
});

test('a share of one priority never brings a step before a more urgent one', async () => {
  await submit('many', 'wide', 'LOW');
  await engine.rows(
    `update step_run set ready_at = ready_at - interval '30 seconds', rank_at = rank_at - interval '1 hour'`,
  );
  await taken(2);
  await submit('low', 'one', 'LOW');
  await submit('high', 'one', 'HIGH');
  await submit('normal', 'one', 'NORMAL');
  expect(await taken(3)).toEqual(['high', 'normal', 'many']);
});

test('a claim reads a few rows for each step that it takes, however many wait', async () => {
  await fillQueue();
  // More often than a plan is made for one set of values: the plan for all values must do as well.
  for (let index = 0; index < 7; index += 1) {
    const [before, after] = await engine.db.transaction(async (sql) => {
      const start = await rowsRead(sql);
      const { claimed } = await claimStepRuns(sql, worker, ['local', 'other'], 10);
      expect(claimed).toHaveLength(10);
      return [start, await rowsRead(sql)];
    });
    expect(after - before).toBeLessThan(100);
  }
}, 60_000);

const FIRST: NewStepRun = {
  node: 0,
  name: 'first',
  taskName: 'work',
  queue: 'local',
  waiting: 0,
  kind: 'TASK',
  planned: false,
  uses: null,
};

test('a step that becomes ready reads a few rows, however many wait', async () => {
  await fillQueue();
  const version = await engine.version('two');
  for (let index = 0; index < 7; index += 1) {
    const [work] = (await engine.claim(worker, 1)) as [Work];
    const [before, between, after] = await engine.db.transaction(async (sql) => {
      const start = await rowsRead(sql);
      await insertSubmission(sql, {
        jobVersionId: version.id,
        jobName: 'two',
        priority: index % 3,
        inputs: {},
        submitter: 'bulk1',
        label: '',
        idempotencyKey: null,
        requestDigest: '',
        batchId: null,
        timeoutSeconds: null,
        reuse: true,
        reuseFrom: null,
        rerun: [],
        stepRuns: [FIRST],
        files: [],
      });
      const stored = await rowsRead(sql);
      await lockSubmissions(sql, [work.submissionId]);
      await applyChanges(sql, {
        stepRuns: [{ id: work.stepRunId, state: 'QUEUED' }],
        attempts: [],
        events: [],
        submissions: [],
        outbox: [],
        artifacts: [],
      });
      return [start, stored, await rowsRead(sql)];
    });
    expect(between - before).toBeLessThan(50);
    expect(after - between).toBeLessThan(50);
  }
}, 60_000);
