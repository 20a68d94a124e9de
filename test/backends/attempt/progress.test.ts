import { MAX_PROGRESS_LINE, MAX_REPORTS_PER_CHUNK, readProgress } from '../../../src/backends/attempt/progress';

function read(...chunks: (string | Buffer)[]): [number, string][] {
  const reports: [number, string][] = [];
  const reader = readProgress((percent, message) => reports.push([percent, message]));
  for (const chunk of chunks) reader.feed(Buffer.from(chunk));
  reader.end();
  return reports;
}

describe('progress lines', () => {
  test('are found among other lines', () => {
    expect(read('a\n::progress 10 first things\nb\n::progress 20\nc')).toEqual([
      [10, 'first things'],
      [20, ''],
    ]);
  });

  test('are found whole wherever the chunks are cut', () => {
    const text = Buffer.from('x\n::progress 42 half of the Größe\ny\n::progress 100 done\n');
    for (let cut = 1; cut < text.length; cut++) {
      expect(read(text.subarray(0, cut), text.subarray(cut))).toEqual([
        [42, 'half of the Größe'],
        [100, 'done'],
      ]);
    }
    expect(read(...[...text].map((byte) => Buffer.from([byte])))).toHaveLength(2);
  });

  test('count only on a line of their own', () => {
    expect(read('see ::progress 10 x\n', 'say ', '::progress 20 y\n')).toEqual([]);
  });

  test('take fractions, a percent sign, and stay within 0 and 100', () => {
    expect(read('::progress 12.5% a\n::progress 300 b\n::progress -4 c\n::progress x\n')).toEqual([
      [12.5, 'a'],
      [100, 'b'],
    ]);
  });

  test('lose control characters of their message', () => {
    expect(read('::progress 5 a\u0000b\u001b[1m\r\n')).toEqual([[5, 'a b [1m']]);
  });

  test('end without a newline at the end of the stream', () => {
    expect(read('::progress 99 almost')).toEqual([[99, 'almost']]);
  });

  test('are bounded in length, and what follows a longer one is read again', () => {
    const long = `::progress 1 ${'x'.repeat(MAX_PROGRESS_LINE)}`;
    expect(read(`${long}\n::progress 2 ok\n`)).toEqual([[2, 'ok']]);
    expect(read(long, long, '\n::progress 2 ok\n')).toEqual([[2, 'ok']]);
  });

  test('in a flood tell the newest', () => {
    const flood = Array.from({ length: 100 }, (_, index) => `::progress ${index}\n`).join('');
    const reports = read(flood);
    expect(reports).toHaveLength(MAX_REPORTS_PER_CHUNK);
    expect(reports.at(-1)).toEqual([99, '']);
  });
});

describe('heartbeat lines', () => {
  const beats = (...chunks: string[]): number => {
    let count = 0;
    const reader = readProgress(
      () => {},
      () => (count += 1),
    );
    for (const chunk of chunks) reader.feed(Buffer.from(chunk));
    reader.end();
    return count;
  };

  test('and progress are both signs of life', () => {
    expect(beats('::heartbeat\n')).toBe(1);
    expect(beats('text\n::progress 4\n')).toBe(1);
    expect(beats('::heart', 'beat', '\nmore')).toBe(1);
    expect(beats('::heartbeat')).toBe(1);
  });

  test('stand alone on their line', () => {
    expect(beats('x ::heartbeat\n::heartbeats\n::heart beat\n::progress half\n::other\n')).toBe(0);
  });

  test('do not crowd out progress', () => {
    const reports: number[] = [];
    const reader = readProgress((percent) => reports.push(percent));
    reader.feed(Buffer.from(`::progress 7\n${'::heartbeat\n'.repeat(2 * MAX_REPORTS_PER_CHUNK)}`));
    expect(reports).toEqual([7]);
  });
});
