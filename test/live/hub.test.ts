import { openPubSub, type PubSub } from '../../src/delivery/pubsub';
import type { Work } from '../../src/engine/claim';
import { createLiveHub, type LiveHub } from '../../src/live/hub';
import { activityAfter, activityEnd, type ActivityEvent } from '../../src/store/statements/events';
import { appendLog } from '../../src/store/statements/logs';
import { Client } from 'pg';
import { ended, job, openEngine, task, type TestEngine } from '../engine/support';
import { testRedisUrl } from '../support/services';

let engine: TestEngine;
let pubsub: PubSub;
let hub: LiveHub;
let worker: string;
beforeAll(async () => {
  engine = await openEngine();
  pubsub = await openPubSub(testRedisUrl());
});
beforeEach(async () => {
  await engine.clear();
  worker = await engine.worker();
  await engine.define([task('work')], [job('one', { only: {} }), job('three', { a: {}, b: {}, c: {} })]);
  hub = createLiveHub({ db: engine.db, pubsub, bufferLimit: 4 });
});
afterEach(() => {
  expect(hub.size()).toBe(0);
  hub.close();
});
afterAll(async () => {
  await pubsub.close();
  await engine.close();
});

const publish = (id: string, events: readonly unknown[]): void =>
  pubsub.publish(`events:${id}`, JSON.stringify(events));
const seqs = async (stream: AsyncIterable<{ seq: number }>): Promise<number[]> => {
  const found: number[] = [];
  for await (const event of stream) found.push(event.seq);
  return found;
};
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test('what was stored comes first, what happens follows, and the last event ends the stream', async () => {
  const id = await engine.submit('three');
  const all = seqs(await hub.submissionEvents(id, 0));
  const late = seqs(await hub.submissionEvents(id, 2));
  const work = await engine.claim(worker);
  for (const one of work) {
    engine.heard.events.length = 0;
    await engine.complete(ended(one, worker));
    // Twice, and after the next: as two processes may send them.
    publish(id, engine.heard.events);
    publish(id, engine.heard.events);
  }
  const count = (await engine.events(id)).length;
  expect(await all).toEqual(upTo(count));
  expect(await late).toEqual(upTo(count).slice(2));
});

test('messages in the wrong order, with gaps, or that are none do no harm', async () => {
  const id = await engine.submit('three');
  const all = seqs(await hub.submissionEvents(id, 0));
  for (const one of await engine.claim(worker)) await engine.complete(ended(one, worker));
  const events = await engine.events(id);
  pubsub.publish(`events:${id}`, 'no JSON');
  pubsub.publish(`events:${id}`, '{"seq":1}');
  publish(id, events.slice(-1));
  publish(id, events.slice(2, 4));
  publish(id, []);
  expect(await all).toEqual(upTo(events.length));
});

test('what Redis loses is found by looking', async () => {
  const id = await engine.submit('one');
  const all = seqs(await hub.submissionEvents(id, 0));
  const [only] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(only, worker));
  expect(await all).toEqual(upTo((await engine.events(id)).length));
});

test('a slow subscriber gets everything, though more comes than its buffer holds', async () => {
  const id = await engine.submit('three');
  const stream = await hub.submissionEvents(id, 0);
  expect((await stream.next()).value).toMatchObject({ seq: 1 });
  for (const one of await engine.claim(worker)) await engine.complete(ended(one, worker));
  publish(id, (await engine.events(id)).slice(1));
  expect(await seqs(stream)).toEqual(upTo((await engine.events(id)).length).slice(1));
});

test('a submission that has ended, or is gone, has a stream that ends', async () => {
  const id = await engine.submit('one');
  const [only] = (await engine.claim(worker)) as [Work];
  await engine.complete(ended(only, worker));
  const count = (await engine.events(id)).length;
  expect(await seqs(await hub.submissionEvents(id, count))).toEqual([]);
  expect(await seqs(await hub.submissionEvents(id, count + 5))).toEqual([]);
  expect(await seqs(await hub.submissionEvents('987654', 0))).toEqual([]);
});

test('leaving lets go, also while nothing happens', async () => {
  const id = await engine.submit('one');
  const streams = [
    await hub.submissionEvents(id, 2),
    await hub.submissionChanges(id),
    await hub.stepLog((await engine.steps(id))['only']?.id ?? '', 0),
    await hub.activity(null),
  ];
  const waiting = streams.map((stream) => stream.next());
  expect(hub.size()).toBe(4);
  for (const stream of streams) await stream.return?.();
  await Promise.all(waiting);
});

test('changes tick at once, after each change, and end with the submission', async () => {
  const id = await engine.submit('one');
  const stream = await hub.submissionChanges(id);
  expect(await stream.next()).toMatchObject({ value: 2 });
  const [only] = (await engine.claim(worker)) as [Work];
  publish(id, []);
  expect(await stream.next()).toMatchObject({ value: 4 });
  await engine.complete(ended(only, worker));
  publish(id, []);
  expect(await stream.next()).toMatchObject({ value: 6 });
  expect(await stream.next()).toMatchObject({ done: true });
});

test('a log is read from any offset, goes on while it grows, and ends with its step', async () => {
  const id = await engine.submit('one');
  const [only] = (await engine.claim(worker)) as [Work];
  const { stepRunId } = only;
  const chunk = (startByte: number, text: string) => ({
    stepRunId,
    startByte,
    attempt: 1,
    stream: 'stdout' as const,
    data: Buffer.from(text),
  });
  await appendLog(engine.db, [chunk(0, 'hello '), chunk(6, 'world')]);
  const stream = await hub.stepLog(stepRunId, 3);
  expect((await stream.next()).value).toMatchObject({ startByte: 3, data: Buffer.from('lo ') });
  expect((await stream.next()).value).toMatchObject({ startByte: 6, data: Buffer.from('world') });
  const more = stream.next();
  await appendLog(engine.db, [chunk(11, '!')]);
  pubsub.publish(`log:${stepRunId}`, '12');
  expect((await more).value).toMatchObject({ startByte: 11 });
  await engine.complete(ended(only, worker));
  expect(await stream.next()).toMatchObject({ done: true });
  const rest = await hub.stepLog(stepRunId, 12);
  expect(await rest.next()).toMatchObject({ done: true });
  expect((await engine.submission(id)).state).toBe('SUCCEEDED');
});

test('activity skips nothing, though transactions commit out of their order', async () => {
  const start = await activityEnd(engine.db);
  const stream = await hub.activity(start);
  const early = new Client({ connectionString: engine.url });
  await early.connect();
  const first = await engine.submit('one');
  await engine.rows('delete from event');
  const insert = `insert into event (submission_id, seq, type) values ($1, $2, 'STEP_STATE')`;
  await early.query('begin');
  await early.query(insert, [first, 100]);
  await engine.rows(insert, [first, 101]);
  // The later one is committed; it is not given out before the earlier one, which may still come.
  expect(await activityAfter(engine.db, start, 10)).toEqual([]);
  await early.query('commit');
  await early.end();
  pubsub.publish('activity', '');
  const given: ActivityEvent[] = [];
  for (let index = 0; index < 2; index += 1) given.push((await stream.next()).value as ActivityEvent);
  expect(given.map((one) => one.event.seq)).toEqual([100, 101]);
  const again = await activityAfter(engine.db, given[0]?.cursor ?? start, 10);
  expect(again.map((one) => one.event.seq)).toEqual([101]);
  await stream.return?.();
});
