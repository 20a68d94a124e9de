import { cancelSubmission } from '../../src/engine/cancel';
import { completeAttempts } from '../../src/engine/complete';
import { createPlans } from '../../src/engine/plans';
import { reconcile } from '../../src/engine/reconcile';
import { appendProgress } from '../../src/store/statements/events';
import { isFinalSubmission } from '../../src/domain/states';
import { ended, job, openEngine, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

const JOBS = [
  job('wide', {
    a: {},
    b: {},
    c: {},
    d: {},
    left: { after: ['a', 'b'] },
    right: { after: ['c', 'd'] },
    end: { after: ['left', 'right'] },
  }),
];

let engine: TestEngine;
withEngine(async (opened) => {
  engine = opened;
  await engine.define([task('work')], JOBS);
});

const numbered = async (id: string): Promise<void> => {
  const events = await engine.events(id);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  expect((await engine.submission(id)).event_seq).toBe(events.length);
};

test('progress and endings at the same moment number their events without gaps, and lose none', async () => {
  for (let round = 0; round < 10; round += 1) {
    const id = await engine.submit('wide');
    const worker = await engine.worker();
    const [a, b, c, d] = await engine.claim(worker);
    if (!a || !b || !c || !d) throw new Error('four steps were ready');
    const progress = (one: typeof a, percent: number) => ({ ...one, percent, message: '' });
    const [, , , first, second] = await Promise.all([
      engine.complete(ended(a, worker)),
      engine.complete(ended(b, worker)),
      cancelSubmission(engine.dependencies, id, 'x'),
      appendProgress(engine.db, [progress(c, 10), progress(d, 10)]),
      appendProgress(engine.db, [progress(d, 20), progress(c, 20)]),
    ]);
    expect([first.length, second.length]).toEqual([2, 2]);
    await numbered(id);
  }
});

test('workers that take, finish, fail and report while submissions are cancelled all come to an end', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 24; index += 1) ids.push(await engine.submit('wide'));
  let seed = 1;
  const random = (): number => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const workers = await Promise.all([1, 2, 3, 4].map(() => engine.worker()));
  const isOver = async (): Promise<boolean> =>
    (await engine.rows(`select from submission where state not in ('SUCCEEDED', 'FAILED', 'CANCELLED') limit 1`))
      .length === 0;
  const work = async (worker: string): Promise<void> => {
    while (!(await isOver())) {
      const taken = await engine.claim(worker, 6);
      await appendProgress(
        engine.db,
        taken.map((one) => ({ ...one, percent: 50, message: 'half' })),
      );
      const reports = taken.map((one) => {
        const dice = random();
        if (dice < 0.05) return ended(one, worker, { state: 'FAILED', message: 'broken' });
        if (dice < 0.15) return ended(one, worker, { state: 'FAILED', retryable: true, message: 'busy' });
        if (dice < 0.2) return ended(one, worker, { state: 'CANCELLED' });
        if (dice < 0.22) return ended(one, worker, { terminate: true, message: 'done' });
        return ended(one, worker);
      });
      await Promise.all([engine.complete(...reports.slice(0, 3)), engine.complete(...reports.slice(3))]);
      await reconcile(engine.dependencies, 60);
    }
  };
  const cancelling = async (): Promise<void> => {
    for (const id of ids.filter((_, index) => index % 4 === 0))
      await cancelSubmission(engine.dependencies, id, 'Enough.');
  };
  await Promise.all([...workers.map(work), cancelling()]);
  for (const id of ids) {
    const submission = await engine.submission(id);
    expect(isFinalSubmission(submission.state)).toBe(true);
    expect(submission.unfinished).toBe(0);
    await numbered(id);
    expect((await engine.events(id)).at(-1)).toMatchObject({ type: 'SUBMISSION_STATE', state: submission.state });
  }
  expect(await engine.rows(`select from attempt where state = 'RUNNING'`)).toEqual([]);
});

test('everything works on a single connection: nothing waits for a second one', async () => {
  const narrow = await openEngine({ poolSize: 1 });
  try {
    await narrow.define([task('work')], JOBS);
    const worker = await narrow.worker();
    const id = await narrow.submit('wide');
    const taken = await narrow.claim(worker);
    const fresh = () => ({ db: narrow.db, plans: createPlans(narrow.db), announcer: narrow.heard });
    await completeAttempts(
      fresh(),
      taken.slice(0, 1).map((one) => ended(one, worker)),
    );
    await narrow.rows(`update worker set state = 'LOST'`);
    expect(await reconcile(fresh(), 60)).toMatchObject({ requeued: 3 });
    expect(await cancelSubmission(fresh(), id, 'Enough.')).toBe(true);
  } finally {
    await narrow.close();
  }
});
