import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDefinitions, watchDefinitions } from '../../src/formats/folder';
import type { DefinitionWatch } from '../../src/formats/folder';

describe('folders of definitions', () => {
  let dir: string;
  let watching: DefinitionWatch | undefined;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stepcast-folders-'));
  });
  afterEach(async () => {
    await watching?.close();
    watching = undefined;
    rmSync(dir, { recursive: true, force: true });
  });

  it('all files are read in the order of their paths, at any depth, and data folders are left alone', async () => {
    mkdirSync(join(dir, 'b/data'), { recursive: true });
    mkdirSync(join(dir, '.hidden'));
    for (const name of ['c.yml', 'a.yaml', 'b/x.yaml', 'b/data/no.yaml', '.hidden/no.yaml', 'no.txt', '.no.yaml']) {
      writeFileSync(join(dir, name), `# ${name}`);
    }
    symlinkSync('nowhere', join(dir, 'dangling.yaml'));
    const files = await readDefinitions([dir, dir]);
    expect(files).toEqual(
      ['a.yaml', 'b/x.yaml', 'c.yml'].map((name) => ({ name: join(dir, name), text: `# ${name}`, scripts: new Map() })),
    );
  });

  it('a file that is too large is named and not read', async () => {
    writeFileSync(join(dir, 'big.yaml'), Buffer.alloc(1024 * 1024 + 1, '#'));
    expect(await readDefinitions([dir])).toEqual([
      { name: join(dir, 'big.yaml'), error: 'The file has 1048577 bytes; at most 1048576 are read.' },
    ]);
  });

  describe('that name scripts', () => {
    const SCRIPTED = 'task: t\nscript: { file: code/fit.py }\n---\ntasks: { u: { script: { file: other.R } } }\n';

    it('come with their texts, or the reason why not', async () => {
      mkdirSync(join(dir, 'code'));
      writeFileSync(join(dir, 'code/fit.py'), 'x = 1');
      writeFileSync(join(dir, 'a.yaml'), SCRIPTED);
      const [file] = await readDefinitions([dir]);
      expect(file && 'scripts' in file && file.scripts).toEqual(
        new Map([
          ['code/fit.py', { text: 'x = 1' }],
          ['other.R', expect.objectContaining({ problem: `there is no file ${join(dir, 'other.R')}` })],
        ]),
      );
    });

    it.each([
      ['../outside.py', /lies outside of the folder of definitions/],
      ['/etc/passwd', /lies outside of the folder of definitions/],
      ['link.py', /lies outside of the folder of definitions/],
      ['data', /it is no file/],
      ['large.py', /it has 524289 bytes; at most 524288 are taken/],
      ['latin.py', /cannot be read/],
    ])('take no %s', async (name, problem) => {
      const folder = join(dir, 'folder');
      mkdirSync(join(folder, 'data'), { recursive: true });
      writeFileSync(join(dir, 'outside.py'), 'secret');
      symlinkSync('../outside.py', join(folder, 'link.py'));
      writeFileSync(join(folder, 'large.py'), Buffer.alloc(512 * 1024 + 1, '#'));
      writeFileSync(join(folder, 'latin.py'), Buffer.from([0x78, 0xe9]));
      writeFileSync(join(folder, 'a.yaml'), `task: t\nscript: { file: ${name} }\n`);
      const [file] = await readDefinitions([folder]);
      expect(file && 'scripts' in file && file.scripts?.get(name)).toEqual(
        expect.objectContaining({ problem: expect.stringMatching(problem) as string }),
      );
    });

    it('are told again when a script changes, comes or goes', async () => {
      const script = join(dir, 'fit.py');
      writeFileSync(script, 'one');
      writeFileSync(join(dir, 'none.py'), 'nobody names it');
      const changes = watchChanges();
      await watching?.ready;
      watching?.follow([script, join(dir, 'later.py')]);
      writeFileSync(join(dir, 'none.py'), 'nobody names it still');
      await new Promise((resolve) => setTimeout(resolve, 500));
      writeFileSync(script, 'two');
      expect(await changes.next()).toEqual([script, 'two']);
      writeFileSync(join(dir, 'later.py'), 'now');
      expect(await changes.next()).toEqual([join(dir, 'later.py'), 'now']);
      rmSync(script);
      expect(await changes.next()).toEqual([script, null]);
    });
  });

  it('a folder that is not there is an error with its name', async () => {
    await expect(readDefinitions([join(dir, 'none')])).rejects.toThrow(
      `The folder of definitions ${join(dir, 'none')} cannot be read`,
    );
  });

  it('new, changed and removed files are told, in folders that come later too', async () => {
    const file = join(dir, 'a.yaml');
    writeFileSync(file, 'one');
    const changes = watchChanges();
    await watching?.ready;
    writeFileSync(file, 'two');
    expect(await changes.next()).toEqual([file, 'two']);
    mkdirSync(join(dir, 'new/data'), { recursive: true });
    writeFileSync(join(dir, 'new/data/x.yaml'), 'data');
    writeFileSync(join(dir, 'new/b.yaml'), 'b');
    expect(await changes.next()).toEqual([join(dir, 'new/b.yaml'), 'b']);
    rmSync(file);
    expect(await changes.next()).toEqual([file, null]);
  });

  it('a burst of writes is told once, as it ends', async () => {
    const file = join(dir, 'a.yaml');
    const changes = watchChanges();
    await watching?.ready;
    for (let number = 0; number <= 20; number += 1) writeFileSync(file, `version ${number}`);
    expect(await changes.next()).toEqual([file, 'version 20']);
    writeFileSync(join(dir, 'end.yaml'), 'end');
    expect(await changes.next()).toEqual([join(dir, 'end.yaml'), 'end']);
  });

  /** Changes one by one, as they come. */
  function watchChanges(): { next(): Promise<[string, string | null]> } {
    const ready: [string, string | null][] = [];
    const waiting: ((change: [string, string | null]) => void)[] = [];
    watching = watchDefinitions(
      [dir],
      (file, text) => {
        const next = waiting.shift();
        if (next) next([file, text]);
        else ready.push([file, text]);
      },
      (file, message) => {
        throw new Error(`${file}: ${message}`);
      },
    );
    return {
      next: () => {
        const change = ready.shift();
        return change ? Promise.resolve(change) : new Promise((done) => waiting.push(done));
      },
    };
  }
});
