/** What Schedules and Triggers do in the database: each time and each end once, whoever looks and whoever dies. */
import { MAX_CHAIN, type ScheduleSpec, type TriggerSpec } from '../../src/domain/firing';
import { API_SOURCE, define } from '../../src/engine/define';
import { followDefinitions, noteEndings, pauseFirer, planSchedules } from '../../src/engine/firings';
import { openDatabase, type Database, type Statement } from '../../src/store/database';
import { forgetFirings, insertFirings, takeDueFirings, takeFiring } from '../../src/store/statements/firings';
import { unnamedContents } from '../../src/store/statements/purge';
import { eventually } from '../e2e/support/wait';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

const NO_FILES = () => Promise.resolve({ files: {}, problem: '' });

const common = { description: '', inputs: {}, priority: 'NORMAL', label: '', enabled: true } as const;
const schedule = (more: Partial<ScheduleSpec> = {}): ScheduleSpec => ({
  ...common,
  name: 'hourly',
  job: 'one',
  cron: '0 * * * *',
  timeZone: 'UTC',
  overlap: 'ALLOW',
  catchUp: 'ALL',
  catchUpLimit: 1_000,
  jitterSeconds: 0,
  ...more,
});
const trigger = (name: string, after: string, runs: string): TriggerSpec => ({
  ...common,
  name,
  job: runs,
  on: { kind: 'COMPLETION', job: after, ending: 'ANY' },
});

let engine: TestEngine;
withEngine(async (opened) => {
  engine = opened;
  await engine.define([task('work')], [job('one', { a: {} }), job('two', { a: {} })]);
});

async function defineFirers(schedules: ScheduleSpec[], triggers: TriggerSpec[] = []) {
  const set = { backends: [], tasks: [], jobs: [], schedules, triggers };
  const outcome = await define({ db: engine.db, announcer: engine.heard }, [{ source: API_SOURCE, set, mode: 'add' }]);
  await followDefinitions(engine.db, NO_FILES);
  return outcome;
}
const lastLookWas = (interval: string) =>
  engine.rows(`update firer set planned_until = now() - $1::interval, next_at = now() - $1::interval`, [interval]);
const firings = () =>
  engine.rows<{ key: string; state: string; message: string; time: Date }>(
    'select key, state, message, time from firing order by time, id',
  );

/** Runs the only step of a Submission to its end. */
async function finish(): Promise<void> {
  const worker = await engine.worker();
  const works = await engine.claim(worker);
  await engine.complete(...works.map((work) => ended(work, worker)));
}

test('many processes that plan at once make each time once', async () => {
  await defineFirers([schedule()]);
  await lastLookWas('100 hours');
  const counts = await Promise.all(Array.from({ length: 5 }, () => planSchedules(engine.db)));
  expect(counts.reduce((sum, count) => sum + count)).toBe(100);
  const times = (await firings()).map(({ time }) => time.getTime());
  expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index * 3_600_000));
  expect(await planSchedules(engine.db)).toBe(0);
});

test('a process that dies while it plans leaves all to the next one', async () => {
  await defineFirers([schedule()]);
  await lastLookWas('10 hours');
  // Its last statement never comes: the connection ends, and with it what it wrote.
  const dying: Database = {
    ...engine.db,
    transaction: (work) =>
      engine.db.transaction((sql) =>
        work({
          query: (statement: Statement, values) => {
            if (statement.name === 'planned') throw new Error('killed');
            return sql.query(statement, values);
          },
        }),
      ),
  };
  await expect(planSchedules(dying)).rejects.toThrow('killed');
  expect(await firings()).toEqual([]);
  expect(await planSchedules(engine.db)).toBe(10);
});

test('a process that holds a schedule does not hold up the others', async () => {
  await defineFirers([schedule(), schedule({ name: 'other' })]);
  await lastLookWas('2 hours');
  const second = await openDatabase(engine.url, { poolSize: 2 });
  try {
    await second.transaction(async (sql) => {
      await sql.query({ name: 'hold', text: `select from firer where name = 'hourly' for update` });
      expect(await planSchedules(engine.db)).toBe(2);
    });
    expect(await planSchedules(engine.db)).toBe(2);
  } finally {
    await second.close();
  }
});

test('times of before the definition, of before a change of it, and of a pause do not fire', async () => {
  await defineFirers([schedule()]);
  expect(await planSchedules(engine.db)).toBe(0);
  await lastLookWas('5 hours');
  await defineFirers([schedule({ cron: '30 * * * *' })]);
  expect(await planSchedules(engine.db)).toBe(0);
  await lastLookWas('5 hours');
  const hourly = { kind: 'SCHEDULE', name: 'hourly' } as const;
  await pauseFirer(engine.db, hourly, true, schedule());
  expect(await planSchedules(engine.db)).toBe(0);
  await pauseFirer(engine.db, hourly, false, schedule());
  expect(await planSchedules(engine.db)).toBe(0);
  expect(await pauseFirer(engine.db, { kind: 'SCHEDULE', name: 'none' }, true, null)).toBe(false);
});

test('a change that is not of its times loses none of them', async () => {
  await defineFirers([schedule()]);
  await lastLookWas('5 hours');
  await defineFirers([schedule({ description: 'now with words', priority: 'HIGH' })]);
  await lastLookWas('5 hours');
  expect(await planSchedules(engine.db)).toBe(5);
});

test('a firing is taken by one process, and by another when that one has died', async () => {
  await defineFirers([schedule()]);
  const one = { key: 'k', time: Date.now() - 1_000, state: 'DUE' as const };
  await insertFirings(engine.db, { kind: 'SCHEDULE', name: 'hourly' }, [one]);
  const taken = await Promise.all([1, 2, 3].map(() => takeDueFirings(engine.db, 10, 30)));
  expect(taken.flat().map(({ name, spec }) => [name, spec?.job])).toEqual([['hourly', 'one']]);
  await engine.rows(`update firing set look_at = now()`);
  expect(await takeDueFirings(engine.db, 10, 30)).toHaveLength(1);
});

test('whoever stored a firing gets it, also while another stores the same once more', async () => {
  await defineFirers([schedule()]);
  const hourly = { kind: 'SCHEDULE', name: 'hourly' } as const;
  const one = { key: 'k', time: Date.now() + 60_000, state: 'DUE' as const };
  const id = (await insertFirings(engine.db, hourly, [one])).get('k') ?? '';
  const taking = await engine.db.transaction(async (sql) => {
    await insertFirings(sql, hourly, [one]);
    const begun = takeFiring(engine.db, id, 30);
    await eventually('it waits for the lock', async () => {
      const waiting = await engine.rows(
        `select from pg_stat_activity where datname = current_database() and wait_event = 'transactionid'`,
      );
      return waiting.length > 0;
    });
    return { begun };
  });
  expect(await taking.begun).toMatchObject({ id, name: 'hourly' });
  await engine.rows(`update firing set state = 'SKIPPED'`);
  expect(await takeFiring(engine.db, id, 30)).toBeNull();
});

test('the same firing is stored once', async () => {
  await defineFirers([schedule()]);
  const hourly = { kind: 'SCHEDULE', name: 'hourly' } as const;
  const one = { key: 'k', time: 0, state: 'DUE' as const };
  expect((await insertFirings(engine.db, hourly, [one])).size).toBe(1);
  expect((await insertFirings(engine.db, hourly, [{ ...one, state: 'SKIPPED' }])).size).toBe(0);
  expect((await firings()).map(({ state }) => state)).toEqual(['DUE']);
});

test('each end fires once, also when several processes look', async () => {
  await defineFirers([], [trigger('next', 'one', 'two')]);
  await engine.submit('one');
  await engine.submit('two');
  await finish();
  await eventually('the end is noted', async () => {
    await Promise.all([1, 2, 3].map(() => noteEndings(engine.db)));
    return (await firings()).length > 0;
  });
  await noteEndings(engine.db);
  expect((await firings()).map(({ state }) => state)).toEqual(['DUE']);
});

test('ends of before the definition do not fire', async () => {
  await engine.submit('one');
  await finish();
  await defineFirers([], [trigger('next', 'one', 'two')]);
  expect(await noteEndings(engine.db)).toBe(0);
});

test('a chain of ends is cut when it is too long', async () => {
  await defineFirers([], [trigger('next', 'one', 'two')]);
  const id = await engine.submit('one');
  await engine.rows(
    `insert into firing (kind, name, key, time, state, depth, submission_id, due_at, look_at)
     values ('TRIGGER', 'next', 'x', now() - interval '1 day', 'SUBMITTED', $2, $1, now(), now())`,
    [id, MAX_CHAIN],
  );
  await finish();
  // An end is seen once all transactions before it are over, also those of other databases.
  const last = await eventually('the end is noted', async () => {
    await noteEndings(engine.db);
    return (await firings())[1];
  });
  expect(last).toMatchObject({ state: 'REFUSED' });
  expect(last.message).toMatch(/16 completions in a row/);
});

test('circles, unknown jobs, inputs and outputs are refused with the place', async () => {
  const outcome = await defineFirers(
    [schedule({ job: 'none' }), schedule({ name: 'b', inputs: { strange: 1 } })],
    [
      trigger('t1', 'one', 'two'),
      trigger('t2', 'two', 'one'),
      { ...trigger('t3', 'one', 'two'), inputs: { x: { output: 'y' } } },
    ],
  );
  const told = outcome.ok
    ? []
    : outcome.problems.map(({ name, path, message }) => `${name} ${path.join('.')}: ${message}`);
  expect(told.sort()).toEqual([
    'b inputs.strange: job "one" has no input "strange"',
    'hourly job: there is no job "none"',
    't2 after: jobs would start each other for ever: one → two → one',
    't3 inputs.x.output: job "one" has no output "y"',
    't3 inputs.x: job "two" has no input "x"',
  ]);
});

test('a job that a schedule submits cannot be taken away from under it', async () => {
  await defineFirers([schedule()]);
  const outcome = await engine.define([task('work')], [job('two', { a: {} })], { mode: 'replace' });
  // The schedule is of the same source, so it goes too; of another source it stands against it.
  expect(outcome.ok).toBe(true);
  await engine.define([task('work')], [job('one', { a: {} })]);
  const set = { backends: [], tasks: [], jobs: [], schedules: [schedule()] };
  await define({ db: engine.db, announcer: engine.heard }, [{ source: 'file:s.yaml', set, mode: 'replace' }]);
  const again = await engine.define([], [], { mode: 'replace' });
  expect(again.ok ? '' : again.problems[0]?.message).toBe('there is no job "one"');
});

test('what a schedule names is held in the store, until it is removed', async () => {
  const sha256 = 'a'.repeat(64);
  const file = { class: 'File', name: 'x', sha256, size: 1, mediaType: 'text/plain' } as const;
  const set = { backends: [], tasks: [], jobs: [], schedules: [schedule()] };
  await define({ db: engine.db, announcer: engine.heard }, [{ source: 'file:s.yaml', set, mode: 'add' }]);
  await followDefinitions(engine.db, () => Promise.resolve({ files: { id: file }, problem: '' }));
  expect(await unnamedContents(engine.db, [sha256])).toEqual([]);
  await define({ db: engine.db, announcer: engine.heard }, [
    { source: 'file:s.yaml', set: { backends: [], tasks: [], jobs: [] }, mode: 'replace' },
  ]);
  await followDefinitions(engine.db, NO_FILES);
  expect(await unnamedContents(engine.db, [sha256])).toEqual([sha256]);
});

test('old firings are forgotten, but for the newest, those that are due and those that still run', async () => {
  await defineFirers([schedule()]);
  const open = await engine.submit('one');
  await engine.rows(
    `insert into firing (kind, name, key, time, state, submission_id, due_at, look_at, created_at)
     select 'SCHEDULE', 'hourly', n::text, now() - make_interval(hours => n), case n when 9 then 'DUE' else 'SUBMITTED' end,
       case n when 8 then $1::bigint end, now(), now(), now() - make_interval(days => case n when 7 then 0 else 2 end)
     from generate_series(1, 10) as n`,
    [open],
  );
  await forgetFirings(engine.db, 3, 100);
  expect((await firings()).map(({ key }) => key)).toEqual(['9', '8', '7', '3', '2', '1']);
});
