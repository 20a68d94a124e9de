import { listProcesses, parsePs, processStart } from '../../../src/backends/process/processList';
import { formatMark, isGone, ownMark, parseMark } from '../../../src/backends/process/identity';

describe('the list of processes', () => {
  test('holds this one, with its parent and environment', async () => {
    const own = (await listProcesses()).find((entry) => entry.pid === process.pid);
    expect(own).toMatchObject({ parent: process.ppid, startedAt: processStart(process.pid) });
    expect(own?.variable('PATH')).toBe(process.env.PATH);
    expect(own?.has(`PATH=${process.env.PATH}`)).toBe(true);
    expect(own?.has('PATH=')).toBe(false);
    expect(own?.variable('NO_SUCH_VARIABLE')).toBeUndefined();
  });

  test('is read from the table of ps where there is no /proc', () => {
    const entries = parsePs(
      [
        '    1     0     1 Ss   Mon Nov  3 09:12:01 2025     /sbin/launchd',
        '  812   811   812 S+   Sat Nov 15 10:00:00 2025     sleep 1000 STEPCAST_ATTEMPT=r.1 HOME=/a b',
        '  813   811   812 Z    Sat Nov 15 10:00:00 2025     (sleep)',
        '',
      ].join('\n'),
    );
    expect(entries.map((entry) => entry.pid)).toEqual([1, 812]);
    expect(entries[1]).toMatchObject({ parent: 811, group: 812, startedAt: 'Sat_Nov_15_10:00:00_2025' });
    expect(entries[1]?.has('STEPCAST_ATTEMPT=r.1')).toBe(true);
    expect(entries[1]?.has('STEPCAST_ATTEMPT=r.11')).toBe(false);
  });
});

describe("a worker's mark", () => {
  test('survives being written into an environment, whatever the worker is called', () => {
    const mark = ownMark('host/1 %a=b');
    expect(parseMark(formatMark(mark))).toEqual(mark);
    expect(parseMark('nonsense')).toBeUndefined();
  });

  test('tells whether the worker is gone, also when its pid is used anew', () => {
    const mark = ownMark('w');
    expect(isGone(mark)).toBe(false);
    expect(isGone({ ...mark, startedAt: '1' })).toBe(true);
    expect(isGone({ ...mark, namespace: 'another', startedAt: '1' })).toBe(false);
  });
});
