import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startStepcast, type Stepcast } from '../e2e/support/stepcast';

const project = path.join(__dirname, '../..');
const clients = path.join(project, 'client-examples');
const MOBY = path.join(project, 'examples/word-count/data/moby-dick.txt');
const PAGE_ORIGIN = 'http://127.0.0.1:8080';
const run = promisify(execFile);

let service: Stepcast;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-clients-'));
  service = await startStepcast({ env: { STEPCAST_ALLOWED_ORIGINS: PAGE_ORIGIN } });
}, 60_000);
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], STEPCAST_URL: service.url };
}

async function expectCounts(results: string): Promise<void> {
  const [name = ''] = await readdir(path.join(results, 'arrange'));
  expect(await readFile(path.join(results, 'arrange', name), 'utf8')).toMatch(
    /^\d+\twhich\n|^\d+\twhale\n|^\d+\t\w{5,}\n/,
  );
}

describe('typescript', () => {
  test('it compiles as its head says, and follows every step to the results', async () => {
    const tsc = path.join(project, 'node_modules/typescript/bin/tsc');
    // Beside the project's node_modules, as the place that the head names.
    const out = await mkdtemp(path.join(project, 'dist', 'client-test-'));
    try {
      await run(process.execPath, [tsc, '-p', path.join(clients, 'typescript'), '--outDir', out]);
      const { stdout } = await run(process.execPath, [path.join(out, 'wordCount.js'), MOBY], { env: environment() });
      expect(stdout).toMatch(/^1 {2}submission {2}QUEUED$/m);
      expect(stdout).toMatch(/ {2}submission {2}SUCCEEDED$/m);
      const url = /^arrange\/\S+ {2}\d+ bytes {2}(\S+)$/m.exec(stdout)?.[1] ?? '';
      expect(await (await fetch(url)).text()).toMatch(/^\d+\t\w{5,}\n/);
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  }, 60_000);

  test('its types are those of the schema as it is', async () => {
    const module = path.join(clients, 'typescript/codegen.mjs');
    const program = `import(${JSON.stringify(module)}).then(async (m) => process.stdout.write(await m.generate()))`;
    const { stdout } = await run(process.execPath, ['-e', program]);
    expect(stdout).toBe(await readFile(path.join(clients, 'typescript/operations.generated.ts'), 'utf8'));
  });
});

test('python: it tells every event and fetches the results whole', async () => {
  const results = path.join(folder, 'python');
  const script = path.join(clients, 'python/word_count.py');
  const { stdout } = await run('python3', [script, MOBY, results], { env: environment() });
  const numbers = [...stdout.matchAll(/^(\d+) /gm)].map(([, number]) => Number(number));
  expect(numbers.length).toBeGreaterThan(10);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  await expectCounts(results);
});

test('python: a refusal ends it with the sentence of the server', async () => {
  const script = path.join(clients, 'python/word_count.py');
  await expect(run('python3', [script, '/dev/null', folder], { env: environment() })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('at least 1 byte') as string,
  });
});

test('shell: it submits, waits and fetches the results', async () => {
  const results = path.join(folder, 'shell');
  const script = path.join(clients, 'shell/word-count.sh');
  const { stdout } = await run('sh', [script, MOBY, results], { env: environment() });
  expect(stdout).toContain('SUCCEEDED');
  await expectCounts(results);
  await expect(run('sh', [script, '/dev/null', results], { env: environment() })).rejects.toMatchObject({ code: 1 });
});

describe('browser', () => {
  /** Runs a program with the page's module, the browser's WebSocket played by `ws`; prints JSON lines. */
  function withModule(program: string): { lines: AsyncIterable<string>; kill(): void } {
    const head = `
      import WebSocket from 'ws';
      import { openAsBlob } from 'node:fs';
      import { follow, results, submit, upload } from ${JSON.stringify(path.join(clients, 'browser/follow.mjs'))};
      import { followGraph } from ${JSON.stringify(path.join(clients, 'browser/graph.mjs'))};
      globalThis.WebSocket = class extends WebSocket {
        constructor(url, protocol) { super(url, protocol, { origin: ${JSON.stringify(PAGE_ORIGIN)} }); }
      };
      const server = ${JSON.stringify(service.url)};
      const print = (value) => console.log(JSON.stringify(value));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', head + program], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return { lines: linesOf(child.stdout), kill: () => child.kill() };
  }

  test('the module of the page uploads, submits, follows and lists the results', async () => {
    const { lines } = withModule(`
      const file = Object.assign(await openAsBlob(${JSON.stringify(MOBY)}), { name: 'moby.txt' });
      const { id, steps } = await submit(server, 'word-count', { text: { upload: await upload(server, file) } });
      print(steps.map(({ name }) => name));
      print(await follow(server, id, ({ seq }) => print(seq)));
      print((await results(server, id)).length);`);
    const printed: unknown[] = [];
    for await (const line of lines) printed.push(JSON.parse(line));
    expect(printed[0]).toEqual(['normalise', 'split', 'count', 'arrange', 'lengths', 'summarise']);
    const numbers = printed.slice(1, -2);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(printed.slice(-2)).toEqual(['SUCCEEDED', 5]);
  });

  test('it loses no event when the API ends and comes back', async () => {
    await service.define(
      `job: hold\ninputs: { file: string }\nsteps: { hold: { task: hold, in: { file: file } } }\n---\n` +
        `task: hold\nshell: true\ncommand: 'until [ -e "$file" ]; do sleep 0.05; done'\nparameters: { file: string }\n`,
    );
    const file = path.join(folder, 'go');
    const id = await service.submit('hold', { file });
    const { lines } = withModule(`print(await follow(server, ${JSON.stringify(id)}, (event) => print(event)));`);
    const seen: { seq?: number; state?: string }[] = [];
    let last: unknown;
    for await (const line of lines) {
      const event = JSON.parse(line) as { seq?: number; state?: string; stepName?: string };
      last = event;
      if (typeof event !== 'object') continue;
      seen.push(event);
      if (event.stepName !== 'hold' || event.state !== 'RUNNING') continue;
      await service.apis[0]?.end('SIGKILL');
      await run('touch', [file]);
      await service.apis[0]?.restart();
    }
    expect(last).toBe('SUCCEEDED');
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
  }, 60_000);

  test('the page of the graph shows it anew until the end, also when its address is past its time', async () => {
    const id = await service.submit('word-count', { text: { text: 'the cat and the hat' } });
    const { lines } = withModule(`
      let calls = 0;
      print(await followGraph(server, ${JSON.stringify(id)}, async (address) => {
        calls += 1;
        if (calls === 1) throw new Error('past its time');
        const response = await fetch(address);
        print([response.status, /<title>([^<]*)/.exec(await response.text())[1]]);
      }));`);
    const printed: unknown[] = [];
    for await (const line of lines) printed.push(JSON.parse(line));
    expect(printed.at(-1)).toBe('SUCCEEDED');
    expect(printed.at(-2)).toEqual([200, 'word-count: succeeded']);
  });

  test('a page of an allowed origin may call and upload; no other may', async () => {
    const { createUpload } = await service.gql<{ createUpload: { upload: { url: string } } }>(
      'mutation { createUpload(input: { name: "x" }) { upload { url } } }',
    );
    const asks = async (url: string, method: string, origin: string): Promise<string | null> => {
      const headers = {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
      };
      const response = await fetch(url, { method: 'OPTIONS', headers });
      const methods = response.headers.get('access-control-allow-methods') ?? '';
      return methods.includes(method) ? response.headers.get('access-control-allow-origin') : null;
    };
    expect(await asks(`${service.url}/graphql`, 'POST', PAGE_ORIGIN)).toBe(PAGE_ORIGIN);
    expect(await asks(createUpload.upload.url, 'PUT', PAGE_ORIGIN)).toBe(PAGE_ORIGIN);
    expect(await asks(`${service.url}/graphql`, 'POST', 'http://evil.example')).toBeNull();
  });
});

async function* linesOf(stream: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  let open = '';
  for await (const piece of stream) {
    const parts = (open + piece.toString()).split('\n');
    open = parts.pop() ?? '';
    yield* parts;
  }
}
