import { createPullStream, type PullSource } from '../../src/live/pullStream';

/** A source of numbers in pages, with what was released and read. */
function source(pages: readonly (readonly number[])[], options: { endless?: boolean } = {}) {
  const left = [...pages];
  const seen = { reads: 0, released: 0 };
  const of: PullSource<number> = {
    read: () => {
      seen.reads += 1;
      const items = left.shift() ?? [];
      return Promise.resolve({ items, more: left.length > 0, done: left.length === 0 && !options.endless });
    },
    release: () => {
      seen.released += 1;
    },
  };
  return { of, seen, add: (page: readonly number[]) => left.push(page) };
}

const collect = async (iterator: AsyncIterable<number>): Promise<number[]> => {
  const items: number[] = [];
  for await (const item of iterator) items.push(item);
  return items;
};

test('pages are delivered in order, then the stream ends and lets go once', async () => {
  const { of, seen } = source([[1, 2], [3], []]);
  const { iterator } = createPullStream(of, 10);
  expect(await collect(iterator)).toEqual([1, 2, 3]);
  expect(seen).toEqual({ reads: 3, released: 1 });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});

test('nothing is read before it is asked for, and a page only when the last one is delivered', async () => {
  const { of, seen } = source([[1, 2], [3]]);
  const { iterator } = createPullStream(of, 10);
  expect(seen.reads).toBe(0);
  await iterator.next();
  await iterator.next();
  expect(seen.reads).toBe(1);
});

test('leaving while it waits ends the wait at once', async () => {
  const { of, seen } = source([], { endless: true });
  const { iterator } = createPullStream(of, 10);
  const waiting = iterator.next();
  await iterator.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(seen.released).toBe(1);
});

test('leaving while it reads drops what was read', async () => {
  let answer: ((items: readonly number[]) => void) | undefined;
  const { iterator } = createPullStream<number>(
    {
      read: async () => ({ items: await new Promise((resolve) => (answer = resolve)), more: false, done: false }),
      release: () => undefined,
    },
    10,
  );
  const waiting = iterator.next();
  await iterator.return?.();
  answer?.([1]);
  expect(await waiting).toEqual({ done: true, value: undefined });
});

test('an error of the source ends the stream and lets go', async () => {
  let released = 0;
  const { iterator } = createPullStream<number>(
    {
      read: () => Promise.reject(new Error('gone')),
      release: () => {
        released += 1;
      },
    },
    10,
  );
  await expect(iterator.next()).rejects.toThrow('gone');
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
  expect(released).toBe(1);
});

test('what is pushed while it is live is delivered without reading', async () => {
  const { of, seen } = source([], { endless: true });
  const stream = createPullStream(of, 10);
  expect(stream.isLive()).toBe(false);
  const waiting = stream.iterator.next();
  await new Promise(setImmediate);
  expect(stream.isLive()).toBe(true);
  expect(stream.push([1, 2], true)).toBe(true);
  expect(await waiting).toEqual({ done: false, value: 1 });
  expect(await collect(stream.iterator)).toEqual([2]);
  expect(seen.reads).toBe(1);
});

test('a full buffer refuses, and the source is read when it is empty', async () => {
  const { of, add } = source([[0]], { endless: true });
  const stream = createPullStream(of, 2);
  await stream.iterator.next();
  expect(stream.push([1, 2], false)).toBe(true);
  expect(stream.push([3], false)).toBe(false);
  expect(stream.isLive()).toBe(false);
  add([3, 4]);
  const items = [];
  for (let index = 0; index < 4; index += 1) items.push((await stream.iterator.next()).value as number);
  expect(items).toEqual([1, 2, 3, 4]);
});

test('a wake-up during a read is not lost', async () => {
  let reads = 0;
  const stream = createPullStream<number>(
    {
      read: () => {
        reads += 1;
        if (reads === 1) stream.wake();
        return Promise.resolve({ items: reads === 2 ? [7] : [], more: false, done: false });
      },
      release: () => undefined,
    },
    2,
  );
  expect(await stream.iterator.next()).toEqual({ done: false, value: 7 });
});
