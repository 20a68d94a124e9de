import type { Work } from '../../src/engine/claim';
import { logAfter } from '../../src/store/statements/logs';
import { openAttemptLog } from '../../workers/attemptLog';
import { createProgressSink } from '../../workers/progress';
import { createReporter } from '../../workers/reports';
import { ended, job, task, type TestEngine } from '../engine/support';
import { withEngine } from '../engine/withEngine';

let engine: TestEngine;
let worker: string;
withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
  await engine.define([task('work')], [job('one', { only: {} })]);
});

const start = async (): Promise<Work> => {
  await engine.submit('one');
  const [work] = await engine.claim(worker);
  if (!work) throw new Error('nothing to do');
  return work;
};
const unheard = { publish: () => undefined };
const fail = (error: unknown): never => {
  throw error;
};

describe('the log of an attempt', () => {
  const open = (work: Work, maxBytes = 1_000_000, onTrouble: (error: unknown) => void = fail) =>
    openAttemptLog({ db: engine.db, pubsub: unheard, maxBytes, onTrouble }, work.stepRunId, work.attempt);
  const read = async (work: Work) => logAfter(engine.db, work.stepRunId, 0, 1_000);

  it('is stored in order, without gaps, in whole characters', async () => {
    const work = await start();
    const log = open(work);
    const written = Buffer.from('grün € 😀\n'.repeat(20_000));
    for (let at = 0; at < written.length; at += 1_001) await log.write('stdout', written.subarray(at, at + 1_001));
    await log.close();
    const chunks = await read(work);
    expect(Buffer.concat(chunks.map((chunk) => chunk.data)).equals(written)).toBe(true);
    let offset = 0;
    for (const chunk of chunks) {
      expect(chunk.startByte).toBe(offset);
      expect(chunk.data.toString()).not.toContain('\ufffd');
      offset += chunk.data.length;
    }
  });

  it('keeps the end of an output that stops within a character', async () => {
    const work = await start();
    const log = open(work);
    await log.write('stdout', Buffer.from([0x61, 0xe2, 0x82]));
    await log.close();
    expect(Buffer.concat((await read(work)).map((chunk) => chunk.data))).toEqual(Buffer.from([0x61, 0xe2, 0x82]));
  });

  it('is cut at its limit, and says so once', async () => {
    const work = await start();
    const log = open(work, 10);
    await Promise.all([log.write('stdout', Buffer.from('123456')), log.write('stderr', Buffer.from('abcdef'))]);
    await log.write('stdout', Buffer.from('more'));
    await log.close();
    const chunks = await read(work);
    expect(chunks.map((chunk) => [chunk.stream, chunk.data.toString()])).toEqual([
      ['stdout', '123456'],
      ['stderr', 'abcd'],
      ['system', '\n[log cut at 10 bytes; the command runs on]\n'],
    ]);
  });

  it('goes on behind an earlier attempt', async () => {
    const work = await start();
    const first = open(work);
    await first.write('stdout', Buffer.from('one'));
    await first.close();
    await engine.complete(ended(work, worker, { state: 'FAILED', retryable: true }));
    await engine.rows(`update step_run set state = 'QUEUED', rank_at = now()`);
    const [again] = (await engine.claim(worker)) as [Work];
    const second = open(again);
    await second.write('stdout', Buffer.from('two'));
    await second.close();
    expect((await read(work)).map((chunk) => [chunk.attempt, chunk.startByte, chunk.data.toString()])).toEqual([
      [1, 0, 'one'],
      [2, 3, 'two'],
    ]);
  });

  it('of a worker that was replaced writes nothing any more', async () => {
    const work = await start();
    const log = open(work);
    await log.write('stdout', Buffer.from('before'));
    await log.close();
    await engine.rows('update step_run set attempt = 2');
    await log.write('stdout', Buffer.from('after'));
    await log.close();
    expect((await read(work)).map((chunk) => chunk.data.toString())).toEqual(['before']);
  });

  it('is tried again when it could not be stored, and stands there once', async () => {
    const work = await start();
    const troubles: unknown[] = [];
    let failures = 0;
    // The first answer is lost after the commit, the second try is refused before it.
    const db = {
      ...engine.db,
      query: (async (statement, values) => {
        if (statement.name !== 'append-log' || failures >= 2) return engine.db.query(statement, values);
        failures += 1;
        if (failures === 1) await engine.db.query(statement, values);
        throw new Error('connection lost');
      }) as typeof engine.db.query,
    };
    const log = openAttemptLog(
      { db, pubsub: unheard, maxBytes: 1_000, onTrouble: (error) => troubles.push(error) },
      work.stepRunId,
      1,
    );
    await log.write('stdout', Buffer.from('one '));
    await log.close();
    await log.write('stdout', Buffer.from('two'));
    await log.close();
    expect(Buffer.concat((await read(work)).map((chunk) => chunk.data)).toString()).toBe('one two');
    expect(troubles).toHaveLength(2);
  });
});

describe('reports', () => {
  it('are recorded, many at once', async () => {
    const reporter = createReporter(engine.dependencies, fail);
    const work = [];
    for (let index = 0; index < 30; index += 1) work.push(await start());
    await Promise.all(work.map((one) => reporter.report(ended(one, worker))));
    await reporter.idle();
    expect(await engine.rows(`select from submission where state = 'SUCCEEDED'`)).toHaveLength(30);
  });

  it('of which one cannot be stored do not hold up the others, and that one fails its step', async () => {
    const troubles: unknown[] = [];
    const reporter = createReporter(engine.dependencies, (error) => troubles.push(error));
    const [good, bad] = [await start(), await start()];
    await Promise.all([
      reporter.report(ended(good, worker)),
      reporter.report(ended(bad, worker, { outputs: { out: 'half \ud800' } })),
    ]);
    expect(await engine.submission(good.submissionId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await engine.submission(bad.submissionId)).toMatchObject({
      state: 'FAILED',
      message: expect.stringContaining('Its result cannot be stored') as string,
    });
    expect(troubles.length).toBeGreaterThan(0);
  });
});

describe('progress', () => {
  it('is written once it is flushed, the newest of each step', async () => {
    const sink = createProgressSink(engine.db, engine.heard, fail);
    const work = await start();
    const { submissionId, stepRunId, attempt } = work;
    for (const percent of [1, 50, 99.9])
      sink.add({ submissionId, stepRunId, attempt, percent, message: `at ${percent}` });
    await sink.flush();
    const events = (await engine.events(submissionId)).filter((event) => event.type === 'STEP_PROGRESS');
    expect(events).toMatchObject([{ percent: 99, message: 'at 99.9', stepName: 'only' }]);
    expect(engine.heard.events.at(-1)).toMatchObject({ type: 'STEP_PROGRESS', percent: 99 });
  });

  it('of an attempt that is over is dropped', async () => {
    const sink = createProgressSink(engine.db, engine.heard, fail);
    const { submissionId, stepRunId, ...work } = await start();
    await engine.complete(ended({ ...work, submissionId, stepRunId }, worker));
    sink.add({ submissionId, stepRunId, attempt: 1, percent: 5, message: 'late' });
    await sink.flush();
    expect((await engine.events(submissionId)).some((event) => event.type === 'STEP_PROGRESS')).toBe(false);
  });
});
