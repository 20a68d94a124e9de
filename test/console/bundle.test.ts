import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

const root = path.join(__dirname, '../..');
let folder: string;
let files: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-bundle-'));
  const vite = path.join(root, 'node_modules/vite/bin/vite.js');
  const outDir = path.join(folder, 'graphiql');
  await promisify(execFile)(
    process.execPath,
    [vite, 'build', '--config', path.join(root, 'console/vite.config.mts'), '--outDir', outDir, '--logLevel', 'warn'],
    { env: { ...process.env, NODE_ENV: 'production' } },
  );
  const names = (await readdir(folder, { recursive: true })).filter((name) => path.extname(name) !== '');
  files = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(path.join(folder, name))] as const)),
  );
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

function textsOf(suffix: string): string[] {
  return [...files].filter(([name]) => name.endsWith(suffix)).map(([, content]) => content.toString('utf8'));
}

const pages = ['landing/index.html', 'graphiql/index.html'];

describe('the built console', () => {
  it.each(pages)('%s loads only files that are in the bundle', (page) => {
    const html = files.get(page)?.toString('utf8') ?? '';
    const loaded = [...html.matchAll(/<(?:script|link|img)\b[^>]*?\b(?:src|href)="([^"]*)"/g)].map((match) => match[1]);
    expect(loaded.length).toBeGreaterThan(2);
    for (const address of loaded) expect([...files.keys()]).toContain(address?.slice(1));
  });

  it.each(pages)('%s has no inline script or style, which its security policy would refuse', (page) => {
    const html = files.get(page)?.toString('utf8') ?? '';
    expect(html).not.toMatch(/<style|\bstyle=|\bon[a-z]+=|<script(?![^>]*\bsrc=)/);
  });

  it('no style sheet asks another origin', () => {
    const sheets = textsOf('.css');
    expect(sheets.length).toBeGreaterThan(1);
    for (const sheet of sheets)
      expect(sheet).not.toMatch(/url\(\s*["']?(?:https?:)?\/\/|@import\s+["']?(?:https?:)?\/\//);
  });

  it('no script loads code or data from another origin', () => {
    const scripts = textsOf('.js');
    const foreign =
      /(?:\bfetch|\bimport|importScripts|new Worker|new WebSocket|new EventSource)\(\s*["'`](?:https?:|wss?:)?\/\//;
    for (const script of scripts) {
      expect(foreign.exec(script)?.[0]).toBeUndefined();
      expect(
        /["'`]https?:\/\/(?:[\w.-]*\.)?(?:esm\.sh|unpkg\.com|jsdelivr\.net|cdnjs\.cloudflare\.com)/.exec(script)?.[0],
      ).toBeUndefined();
    }
  });

  it('workers are files of the same origin', () => {
    const workers = textsOf('.js').flatMap((script) =>
      [...script.matchAll(/new Worker\(`([^`]*)`/g)].map((match) => match[1]),
    );
    expect(workers).toHaveLength(3);
    for (const worker of workers) expect([...files.keys()]).toContain(worker?.slice(1));
  });

  it('every large script and style sheet lies beside its compressed forms', () => {
    const large = [...files].filter(([name, content]) => /\.(?:js|css)$/.test(name) && content.length > 100_000);
    expect(large.length).toBeGreaterThan(3);
    for (const [name, content] of large) {
      expect(brotliDecompressSync(files.get(`${name}.br`) ?? Buffer.alloc(0)).equals(content)).toBe(true);
      expect(gunzipSync(files.get(`${name}.gz`) ?? Buffer.alloc(0)).equals(content)).toBe(true);
    }
  });

  it('carries no source maps', () => {
    expect([...files.keys()].filter((name) => name.endsWith('.map'))).toEqual([]);
  });
});
