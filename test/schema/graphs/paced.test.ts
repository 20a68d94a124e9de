import { paced } from '../../../schema/graphs/paced';

/** Reads that end when the test says so. */
function reads(): { read: (key: string) => Promise<number>; begun: string[]; end(): Promise<void> } {
  const begun: string[] = [];
  const open: (() => void)[] = [];
  return {
    begun,
    read: (key) =>
      new Promise((resolve) => {
        const number = begun.push(key);
        open.push(() => resolve(number));
      }),
    end: async () => {
      open.shift()?.();
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    },
  };
}

test('those who ask while a read is under way share the one after it, which sees what they asked for', async () => {
  const { read, begun, end } = reads();
  const ask = paced(read);
  const first = ask('a');
  const [second, third] = [ask('a'), ask('a')];
  expect(begun).toEqual(['a']);
  await end();
  expect(await first).toBe(1);
  while (begun.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await end();
  expect([await second, await third]).toEqual([2, 2]);
  expect(begun).toEqual(['a', 'a']);
});

test('keys do not wait for each other', async () => {
  const { read, begun } = reads();
  const ask = paced(read);
  void ask('a');
  void ask('b');
  expect(begun).toEqual(['a', 'b']);
});

test('after a read that was long, the next one waits for longer than that', async () => {
  let running = 0;
  let last = 0;
  const ask = paced(async () => {
    running += 1;
    expect(running).toBe(1);
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const rested = began - last;
    last = performance.now();
    running -= 1;
    return rested;
  });
  await ask('a');
  expect(await ask('a')).toBeGreaterThan(30);
});

test('a read that fails fails for those who wait for it, and the next one is made anew', async () => {
  let count = 0;
  const ask = paced(async () => {
    count += 1;
    if (count <= 2) throw new Error(`read ${count}`);
    return count;
  });
  const first = ask('a');
  const second = ask('a');
  await expect(first).rejects.toThrow('read 1');
  await expect(second).rejects.toThrow('read 2');
  expect(await ask('a')).toBe(3);
});
