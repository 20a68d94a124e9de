import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { explained } from '../../src/artifacts/diskErrors';
import { createLocalStore } from '../../src/artifacts/localStore';

const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

describe('the local artifact store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stepcast-store-'));
  const root = join(folder, 'store');
  const store = createLocalStore(root);
  const waiting = (): string[] => (existsSync(join(root, 'incoming')) ? readdirSync(join(root, 'incoming')) : []);
  const place = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps what is written under its SHA-256, read-only', async () => {
    const stored = await store.write(Readable.from([Buffer.from('hello '), Buffer.from('world')]));
    expect(stored).toEqual({ sha256: sha256('hello world'), size: 11 });
    expect(readFileSync(join(root, 'sha256', stored.sha256.slice(0, 2), stored.sha256.slice(2)), 'utf8')).toBe(
      'hello world',
    );
    expect(statSync(store.localPath(stored.sha256)).mode & 0o777).toBe(0o444);
    expect(waiting()).toEqual([]);
  });

  it('stores empty content', async () => {
    expect(await store.write(Readable.from([]))).toEqual({ sha256: sha256(''), size: 0 });
    expect(await store.adopt(place('empty', ''))).toEqual({ sha256: sha256(''), size: 0 });
  });

  it('keeps one copy of equal contents, also when they arrive at the same time', async () => {
    const content = randomBytes(300_000);
    const all = await Promise.all([
      ...Array.from({ length: 5 }, () => store.write(Readable.from([content]))),
      ...Array.from({ length: 5 }, (_, n) => store.adopt(place(`equal-${n}`, content))),
    ]);
    expect(new Set(all.map((one) => one.sha256))).toEqual(new Set([sha256(content)]));
    expect(readFileSync(store.localPath(sha256(content))).equals(content)).toBe(true);
    expect(waiting()).toEqual([]);
  });

  it('refuses content past the limit and leaves nothing behind', async () => {
    await expect(
      store.write(Readable.from([Buffer.alloc(60), Buffer.alloc(60)]), { maxBytes: 100 }),
    ).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'The file is larger than the allowed 100 bytes.',
    });
    expect(waiting()).toEqual([]);
    expect((await store.write(Readable.from([Buffer.alloc(100)]), { maxBytes: 100 })).size).toBe(100);
  });

  it('leaves nothing behind when the sender breaks off', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(1000);
      throw new Error('the line is dead');
    }
    await expect(store.write(Readable.from(broken()))).rejects.toThrow('the line is dead');
    expect(waiting()).toEqual([]);
  });

  it.each([100, 64 * 1024, 3_000_000])('adopts a file of %i bytes by moving it', async (size) => {
    const content = randomBytes(size);
    const path = place('result', content);
    const { ino } = statSync(path);
    expect(await store.adopt(path)).toEqual({ sha256: sha256(content), size });
    expect(existsSync(path)).toBe(false);
    expect(statSync(store.localPath(sha256(content)))).toMatchObject({ ino, size });
    expect(statSync(store.localPath(sha256(content))).mode & 0o777).toBe(0o444);
  });

  it('copies a file that has another name, so that nobody can change the content later', async () => {
    const path = place('named-twice', 'shared content');
    linkSync(path, join(folder, 'other-name'));
    const { sha256: hash } = await store.adopt(path);
    writeFileSync(join(folder, 'other-name'), 'DAMAGED CONTENT');
    expect(readFileSync(store.localPath(hash), 'utf8')).toBe('shared content');
    expect(existsSync(path)).toBe(false);
  });

  it.each([100, 3_000_000])(
    'takes in a file of %i bytes that stays, without copying it, as often as asked',
    async (size) => {
      const content = randomBytes(size);
      const path = place('staying', content);
      const { ino } = statSync(path);
      const stored = { sha256: sha256(content), size };
      expect(await store.adopt(path, { stays: true })).toEqual(stored);
      expect(statSync(store.localPath(stored.sha256)).ino).toBe(ino);
      expect(await store.adopt(path, { stays: true })).toEqual(stored);
      expect(readFileSync(path)).toEqual(content);
      expect(readFileSync(store.localPath(stored.sha256))).toEqual(content);
      expect(waiting()).toEqual([]);
    },
  );

  it('adopts over devices by copying', async () => {
    const shm = mkdtempSync('/dev/shm/stepcast-');
    try {
      expect(statSync(shm).dev).not.toBe(statSync(folder).dev);
      writeFileSync(join(shm, 'far'), 'from afar');
      expect(await store.adopt(join(shm, 'far'))).toEqual({ sha256: sha256('from afar'), size: 9 });
      expect(readdirSync(shm)).toEqual([]);
      expect(waiting()).toEqual([]);
    } finally {
      rmSync(shm, { recursive: true });
    }
  });

  it('follows a link only inside the folder it was told', async () => {
    const inside = join(folder, 'attempt');
    await mkdir(inside);
    writeFileSync(join(inside, 'real'), 'linked content');
    symlinkSync('real', join(inside, 'link'));
    symlinkSync('/etc/passwd', join(inside, 'leak'));
    expect(await store.adopt(join(inside, 'link'), { within: inside })).toEqual({
      sha256: sha256('linked content'),
      size: 14,
    });
    expect(existsSync(join(inside, 'real'))).toBe(true);
    await expect(store.adopt(join(inside, 'leak'), { within: inside })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(store.adopt(join(inside, 'link'))).rejects.toThrow('leads out of its folder');
  });

  it('refuses folders and pipes, and names a missing file', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(store.adopt(join(folder, 'pipe'))).rejects.toThrow('pipe is not a regular file');
    await expect(store.adopt(folder)).rejects.toThrow('is not a regular file');
    await expect(store.adopt(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('reads the whole or a range, both ends included', async () => {
    const { sha256: hash } = await store.write(Readable.from([Buffer.from('0123456789')]));
    expect((await buffer(store.read(hash))).toString()).toBe('0123456789');
    expect((await buffer(store.read(hash, { start: 2, end: 4 }))).toString()).toBe('234');
    expect((await buffer(store.read(hash, { start: 8 }))).toString()).toBe('89');
  });

  it('says NOT_FOUND for what is not there, and never leaves its folder', async () => {
    const unknown = sha256('unknown');
    await expect(buffer(store.read(unknown))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.stage(unknown, join(folder, 'x'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.has(unknown)).toBe(false);
    expect(() => store.read('../../../etc/passwd')).toThrow('There is no stored content');
  });

  it('stages a private copy: whoever damages it damages nothing else', async () => {
    const { sha256: hash } = await store.write(Readable.from([Buffer.from('precious')]));
    const path = join(folder, 'staged');
    await store.stage(hash, path);
    rmSync(path);
    await store.stage(hash, path);
    execFileSync('sh', ['-c', 'chmod u+w "$1"; echo ruined > "$1"', 'sh', path]);
    expect(readFileSync(store.localPath(hash), 'utf8')).toBe('precious');
    await expect(store.stage(hash, path)).rejects.toThrow('EEXIST');
  });

  it('forgets removed content', async () => {
    const { sha256: hash } = await store.write(Readable.from([Buffer.from('short-lived')]));
    expect(await store.has(hash)).toBe(true);
    await store.remove(hash);
    await store.remove(hash);
    expect(await store.has(hash)).toBe(false);
  });

  it('sweeps what a crash left in incoming, and spares what is still arriving', async () => {
    const hourAgo = Date.now() / 1000 - 3600;
    writeFileSync(join(root, 'incoming', 'old'), 'x');
    utimesSync(join(root, 'incoming', 'old'), hourAgo, hourAgo);
    writeFileSync(join(root, 'incoming', 'fresh'), 'x');
    expect(await store.sweepIncoming(60_000)).toBe(1);
    expect(waiting()).toEqual(['fresh']);
    rmSync(join(root, 'incoming', 'fresh'));
    expect(await createLocalStore(join(folder, 'not-yet')).sweepIncoming(0)).toBe(0);
  });
});

describe('a full disk', () => {
  it('is one clear sentence', async () => {
    await expect(explained('/data/store', writeFile('/dev/full', 'x'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The disk that holds /data/store is full. Free some space there and try again.',
    });
  });
});
