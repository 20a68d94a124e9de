import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHeld, keep, release, takeOver } from '../../../src/backends/attempt/place';
import type { AttemptPlace } from '../../../src/backends/backend';
import { LOCAL } from '../support';

describe('a directory that outlives its worker', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'stepcast-kept-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function begun(attempt: number): Promise<AttemptPlace> {
    const root = join(folder, `7.${attempt}`);
    await mkdir(root);
    const place = { root, out: join(root, 'out'), tmp: join(root, 'tmp') };
    await keep(place, attempt, LOCAL);
    return place;
  }

  test('belongs to the attempt that began it, until a later one takes it over', async () => {
    const place = await begun(1);
    expect(isHeld(place, 1)).toBe(true);
    expect(takeOver(folder, '7', 3)).toEqual(place);
    expect([isHeld(place, 1), isHeld(place, 3)]).toEqual([false, true]);
    expect(release(place, 1)).toBe(false);
    expect(release(place, 3)).toBe(true);
  });

  test('is not taken over once it was let go of, although it is still there', async () => {
    const place = await begun(1);
    expect(release(place, 1)).toBe(true);
    expect(release(place, 1)).toBe(false);
    expect(takeOver(folder, '7', 2)).toBeUndefined();
    expect(existsSync(place.root)).toBe(true);
  });

  test('is refused to an earlier attempt, which must not begin anew beside it', async () => {
    await begun(1);
    takeOver(folder, '7', 3);
    expect(() => takeOver(folder, '7', 2)).toThrow('Attempt 3 of step run 7');
  });

  test('is nothing to go on with when its worker died before it was kept', async () => {
    await mkdir(join(folder, '7.1', 'hold'), { recursive: true });
    writeFileSync(join(folder, '7.1', 'hold', '1'), '');
    expect(takeOver(folder, '7', 2)).toBeUndefined();
    expect(takeOver(folder, '8', 2)).toBeUndefined();
  });
});
