import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createClient } from 'redis';
import { beeQueueName, createWakeReceiver, createWakeSender, type WakeReceiver } from '../../src/delivery/beeQueues';
import { testRedisUrl } from '../support/services';

const redis = createClient({ url: testRedisUrl() });
const sender = createWakeSender(testRedisUrl());
const receivers: WakeReceiver[] = [];
beforeAll(async () => {
  await redis.connect();
});
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});
afterAll(async () => {
  await sender.close();
  redis.destroy();
});

const message = (number: number, priority = 1) => ({ queue: 'q', priority, stepRunId: String(number), attempt: 1 });

/** Counts wake-ups. */
function receive(): { until(count: number): Promise<void> } {
  let heard = 0;
  let wake: (() => void) | undefined;
  receivers.push(
    createWakeReceiver(testRedisUrl(), ['q'], () => {
      heard += 1;
      wake?.();
    }),
  );
  return {
    until: async (count) => {
      while (heard < count) await new Promise<void>((resolve) => (wake = resolve));
      heard -= count;
    },
  };
}

test('a thousand messages wake a thousand times, and leave nothing in Redis', async () => {
  const receiver = receive();
  await sender.send(Array.from({ length: 1_000 }, (_, index) => message(index, index % 3)));
  await receiver.until(1_000);
  await Promise.all(receivers.splice(0).map((one) => one.close()));
  const keys = (await redis.keys('bq:stepcast-q-*')).filter((key) => !/:(id|stallBlock)$/.test(key));
  expect(keys).toEqual([]);
});

test('a Redis that has forgotten its scripts is taught them again', async () => {
  const receiver = receive();
  await sender.send([message(1)]);
  await receiver.until(1);
  await redis.scriptFlush();
  await sender.send([message(2)]);
  await receiver.until(1);
  await redis.scriptFlush();
  await sender.send([message(3), message(4)]);
  await receiver.until(2);
});

test('a wiped Redis takes messages on', async () => {
  const receiver = receive();
  await sender.send([message(1)]);
  await receiver.until(1);
  await redis.flushDb();
  await sender.send([message(2), message(3, 0)]);
  await receiver.until(2);
});

test('a message whose body is gone does not stop those behind it', async () => {
  await redis.lPush(`bq:${beeQueueName('q', 'NORMAL')}:waiting`, '4711');
  const receiver = receive();
  await sender.send([message(1)]);
  await receiver.until(1);
});

test('a receiver whose connections are cut connects again', async () => {
  const receiver = receive();
  await sender.send([message(1)]);
  await receiver.until(1);
  await redis.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
  await sender.send([message(2)]);
  await receiver.until(1);
});

test('a sender whose Redis does not answer rejects, tries with one connection only, and sends when Redis is back', async () => {
  const { hostname, port } = new URL(testRedisUrl());
  const held: Socket[] = [];
  const forward = (socket: Socket): void => {
    const target = connect(Number(port), hostname);
    socket.pipe(target).pipe(socket);
  };
  let answer = (socket: Socket): void => void held.push(socket);
  const server = createServer((socket) => answer(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(testRedisUrl());
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const patient = createWakeSender(url.href, 100);
  for (let round = 0; round < 3; round += 1)
    await expect(patient.send([message(round)])).rejects.toThrow('Redis took no message within 100 ms.');
  expect(held).toHaveLength(1);
  answer = forward;
  for (const socket of held) forward(socket);
  const receiver = receive();
  for (let sent = false; !sent;) {
    sent = await patient.send([message(9)]).then(
      () => true,
      () => false,
    );
  }
  await receiver.until(1);
  await patient.close();
  server.close();
});
