import { createClient } from 'redis';
import { openPubSub, type PubSub } from '../../src/delivery/pubsub';
import { startProxy } from '../support/proxy';
import { testRedisUrl } from '../support/services';

let pubsub: PubSub;
beforeAll(async () => {
  pubsub = await openPubSub(testRedisUrl());
});
afterAll(() => pubsub.close());

const redis = createClient({ url: testRedisUrl() });
beforeAll(async () => {
  await redis.connect();
});
afterAll(() => redis.destroy());

const channelName = (channel: string): string => `stepcast:${new URL(testRedisUrl()).pathname.slice(1)}:${channel}`;
const subscribers = async (channel: string): Promise<number> =>
  (await redis.pubSubNumSub(channelName(channel)))[channelName(channel)] ?? 0;

/** A listener, and the promise of its next message. */
function listener(): { hear: (message: string) => void; next: () => Promise<string> } {
  const heard: string[] = [];
  let wake: (() => void) | undefined;
  return {
    hear: (message) => {
      heard.push(message);
      wake?.();
    },
    next: async () => {
      while (heard.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return heard.shift() ?? '';
    },
  };
}

test('every listener of a channel hears each message, over one subscription of Redis', async () => {
  const [one, two] = [listener(), listener()];
  const stops = await Promise.all([pubsub.subscribe('events:1', one.hear), pubsub.subscribe('events:1', two.hear)]);
  // Both were acknowledged: nothing that is sent from here on is missed by either.
  await redis.publish(channelName('events:1'), 'hello');
  expect([await one.next(), await two.next()]).toEqual(['hello', 'hello']);
  expect(await subscribers('events:1')).toBe(1);
  stops[0]?.();
  await redis.publish(channelName('events:1'), 'again');
  expect(await two.next()).toBe('again');
  stops[1]?.();
  await pubsub.subscribe('events:2', () => undefined);
  expect(await subscribers('events:1')).toBe(0);
});

test('one that subscribes in the moment in which the last other one leaves is not left deaf', async () => {
  for (let round = 0; round < 20; round += 1) {
    const stop = await pubsub.subscribe('log:1', () => undefined);
    const late = listener();
    stop();
    const stopLate = await pubsub.subscribe('log:1', late.hear);
    await redis.publish(channelName('log:1'), String(round));
    expect(await late.next()).toBe(String(round));
    stopLate();
  }
});

test('stopping twice is harmless to others', async () => {
  const other = listener();
  const stop = await pubsub.subscribe('wake', () => undefined);
  await pubsub.subscribe('wake', other.hear);
  stop();
  stop();
  await redis.publish(channelName('wake'), 'x');
  expect(await other.next()).toBe('x');
});

test('without Redis it does not hold up anybody', async () => {
  const troubles: string[] = [];
  const alone = await openPubSub('redis://127.0.0.1:1/0', (message) => troubles.push(message));
  const stop = await alone.subscribe('wake', () => undefined);
  expect(alone.isReady()).toBe(false);
  alone.publish('wake', 'nobody hears it');
  stop();
  await alone.close();
});

test('services on different databases of one Redis do not hear each other', async () => {
  const url = new URL(testRedisUrl());
  url.pathname = '/0';
  const elsewhere = await openPubSub(url.href);
  const own = listener();
  await pubsub.subscribe('control', own.hear);
  await elsewhere.subscribe('activity', () => undefined);
  elsewhere.publish('control', 'of another');
  await redis.publish(channelName('control'), 'own');
  expect(await own.next()).toBe('own');
  await elsewhere.close();
});

test('a connection that fell silent without an end is replaced, and listeners hear again', async () => {
  const proxy = await startProxy(testRedisUrl());
  const cutOff = await openPubSub(proxy.url, () => undefined, { silenceMs: 1_000, maxUnanswered: 10 });
  const far = listener();
  await cutOff.subscribe('events:7', far.hear);
  expect(proxy.silence()).toBe(2);
  const near = listener();
  await pubsub.subscribe('events:8', near.hear);
  const talking = setInterval(() => {
    cutOff.publish('events:8', 'from far');
    redis.publish(channelName('events:7'), 'to far').catch(() => undefined);
  }, 20);
  expect(await far.next()).toBe('to far');
  expect(await near.next()).toBe('from far');
  clearInterval(talking);
  await cutOff.close();
  await proxy.close();
});
