import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { secondsUntil } from '../../../src/backends/http/exchange';
import { failureOf } from '../../../src/backends/http/trouble';
import type { TaskSpec } from '../../../src/domain/definitions';
import { keepBenches, type Bench } from '../support';
import { backendOf, taskOf } from '../written';
import { json, startService, type Answerer, type TestService } from './service';

let service: TestService;
let elsewhere: TestService;
const open = keepBenches();
const busyTwice = new Map<string, number>();

const redirect =
  (status: number, to: () => string): Answerer =>
  (_, response) =>
    void response.writeHead(status, { location: to() }).end('moved');
const echo: Answerer = ({ method, url, headers, body }, response) =>
  void response.end(JSON.stringify({ method, url, headers, body: body.toString() }));

beforeAll(async () => {
  elsewhere = await startService({ '*': echo });
  service = await startService({
    '/echo': echo,
    '/secret': ({ headers, url }, response) => void response.writeHead(500).end(`no: ${headers.authorization} ${url}`),
    '/moved': redirect(301, () => '/echo?from=moved'),
    '/kept': redirect(308, () => '/echo'),
    '/away': redirect(307, () => `${elsewhere.url}/there`),
    '/inside': redirect(302, () => `http://127.0.0.1.nip.test@[::1]:${elsewhere.port}/there`),
    '/round': redirect(302, () => '/round'),
    '/file': redirect(302, () => 'file:///etc/passwd'),
    '/later': (_, response) => {
      const times = (busyTwice.get('/later') ?? 0) + 1;
      busyTwice.set('/later', times);
      if (times > 2) response.end('{"ok":true}');
      else response.writeHead(times === 1 ? 429 : 503, { 'retry-after': '0' }).end();
    },
    '/much-later': (_, response) => void response.writeHead(503, { 'retry-after': '86400' }).end(),
    '/silent': () => {},
    '/stuck': (_, response) => void response.writeHead(200).write('{'),
    '/huge': (_, response) => {
      response.writeHead(200);
      const write = (): void => {
        while (response.writable && !response.destroyed) if (!response.write(Buffer.alloc(65536))) return;
      };
      response.on('drain', write);
      write();
    },
    '/announced': (_, response) => void response.writeHead(200, { 'content-length': '99999999' }).flushHeaders(),
    '/broken': (_, response) => void response.socket?.destroy(),
    '/garbled': (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('not packed at all'),
    '/health': json({ up: true }, 200, { server: 'model-server/3.1' }),
    '/unwell': json({ up: false }, 500),
  });
  process.env['TEST_SERVICE_TOKEN'] = 'tOp-SeCrEt-token';
});
afterAll(async () => {
  delete process.env['TEST_SERVICE_TOKEN'];
  await service.close();
  await elsewhere.close();
});

const benchOf = (more: string, base = service.url): Bench =>
  open(backendOf(`kind: http\nbase-url: ${base}\nallow-internal: [127.0.0.1]\n${more}`));

/** The outcome, with all that was noted for the log. */
async function run(bench: Bench, task: TaskSpec, backend: string, stepRunId = 'noted') {
  const notes: string[] = [];
  const spec = backendOf(`kind: http\nbase-url: ${service.url}\nallow-internal: [127.0.0.1]\n${backend}`);
  const attempt = bench.host.start(
    { stepRunId, attempt: 1, task, backend: spec, values: {} },
    { log: () => {}, progress: () => {}, note: (message) => void notes.push(message) },
  );
  return { outcome: await attempt.outcome, notes: notes.join('\n') };
}

const SECRET = `headers: { Authorization: { env: TEST_SERVICE_TOKEN, prefix: "Bearer " } }
query: { key: { env: TEST_SERVICE_TOKEN } }`;
const EVERYTHING = 'response: { all: json } }\noutputs: { all: { type: Any } }';

describe('a secret', () => {
  it('is sent from the environment of the worker, in headers and query', async () => {
    const { outputs } = await benchOf(SECRET).run(taskOf(`request: { path: /echo, ${EVERYTHING}`));
    expect(outputs.all).toMatchObject({
      url: '/echo?key=tOp-SeCrEt-token',
      headers: { authorization: 'Bearer tOp-SeCrEt-token' },
    });
  });

  it('is in no note and no message, even when the service says it aloud', async () => {
    const { outcome, notes } = await run(benchOf(''), taskOf(`request: { path: /secret, query: { a: b } }`), SECRET);
    expect(notes).toContain(`GET ${service.url}/secret?a=b: 500 after`);
    expect(outcome.message).toContain('It said: no: Bearer *** /secret?a=b&key=***');
    expect(notes + outcome.message).not.toContain('tOp');
  });

  it('does not leave with a redirect, nor with a whole URL that leads elsewhere', async () => {
    const bench = benchOf(SECRET);
    const headers = 'headers: { X-Task: kept, Cookie: "a=b" }';
    const moved = await bench.run(taskOf(`request: { path: /away, ${headers}, ${EVERYTHING}`));
    expect(moved.outputs.all).toMatchObject({ url: '/there', headers: { 'x-task': 'kept' } });
    const whole = await bench.run(taskOf(`request: { url: "${elsewhere.url}/x", ${EVERYTHING}`));
    const received = JSON.stringify(elsewhere.seen.map(({ url, headers }) => ({ url, headers })));
    expect(whole.state).toBe('SUCCEEDED');
    expect(received).not.toContain('tOp');
    expect(received).not.toContain('a=b');
  });

  it('that the worker lacks makes the Backend missing there, and the step is tried elsewhere', async () => {
    const backend = 'headers: { Authorization: { env: TEST_NOT_SET_TOKEN } }';
    const spec = backendOf(`kind: http\nbase-url: ${service.url}\n${backend}`);
    const bench = benchOf(backend);
    expect(await bench.host.health(spec)).toMatchObject({ state: 'MISSING' });
    const outcome = await bench.run(taskOf('request: GET /echo'));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'MACHINE', retryable: true });
    expect(outcome.message).toContain('no environment variable TEST_NOT_SET_TOKEN');
  });
});

describe('a redirect', () => {
  const sent = async (path: string, more = '', method = 'POST') => {
    const task = taskOf(`request: { method: ${method}, path: ${path}, body: { text: hi }, ${EVERYTHING}`);
    return benchOf(more).run(task);
  };

  it('is followed as a browser does: with 301 a POST is fetched, with 308 it is sent again', async () => {
    expect((await sent('/moved')).outputs.all).toMatchObject({ method: 'GET', url: '/echo?from=moved', body: '' });
    expect((await sent('/kept')).outputs.all).toMatchObject({ method: 'POST', body: 'hi' });
  });

  it('is judged like the first address, ends after some, and leads to HTTP alone', async () => {
    expect((await sent('/inside')).message).toContain('::1 lies inside');
    expect((await sent('/round')).message).toContain('redirects more than 5 times');
    expect((await sent('/file')).message).toContain('no HTTP address');
  });

  it('is an answer like others when none are followed', async () => {
    const outcome = await sent('/moved', 'max-redirects: 0');
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 3 });
  });
});

describe('a service in trouble', () => {
  it('that asks to come again is asked again, if that is soon', async () => {
    const task = taskOf('request: GET /later\noutputs: { ok: { type: boolean } }');
    expect((await benchOf('').run(task)).outputs).toEqual({ ok: true });
    const later = await benchOf('').run(taskOf('request: GET /much-later'));
    expect(later).toMatchObject({ state: 'FAILED', failure: 'MACHINE', retryable: true });
  });

  it('that says nothing for too long fails, before its headers and amid its body', async () => {
    const bench = benchOf('idle-timeout: 1');
    for (const path of ['/silent', '/stuck']) {
      const outcome = await bench.run(taskOf(`request: { path: ${path}, ${EVERYTHING}`));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'TIMEOUT' });
      expect(outcome.message).toContain('sent nothing for 1 seconds');
    }
  });

  it('is left when the time of the task is over, or it is cancelled', async () => {
    const late = await benchOf('').run({ ...taskOf('request: GET /silent'), timeoutSeconds: 0.2 });
    expect(late).toMatchObject({ state: 'FAILED', failure: 'TIMEOUT' });
    const before = service.seen.length;
    const attempt = benchOf('').start(taskOf('request: GET /silent'));
    while (service.seen.length === before) await new Promise((resolve) => setTimeout(resolve, 10));
    attempt.cancel('cancelled');
    expect((await attempt.outcome).state).toBe('CANCELLED');
  });

  it('that sends more than it may is cut off, announced or not', async () => {
    const bench = benchOf('max-response: 1MB');
    for (const path of ['/huge', '/announced']) {
      const outcome = await bench.run(taskOf(`request: GET ${path}\noutputs: { data: { type: File } }`));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'BAD_OUTPUT' });
      expect(outcome.message).toContain('more than 1048576 bytes');
    }
  });

  it('that packs its answer wrongly fails for good', async () => {
    const outcome = await benchOf('').run(taskOf('request: GET /garbled\noutputs: { data: { type: File } }'));
    expect(outcome).toMatchObject({ failure: 'BAD_OUTPUT', retryable: false });
    expect(outcome.message).toContain('cannot be unpacked: incorrect header check');
  });

  it('is told apart from a worker whose disk is full', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    const told = (method: string) => failureOf(full, { method, where: 'https://a.example', idleSeconds: 1 });
    expect(told('GET')).toEqual({
      kind: 'MACHINE',
      message: expect.stringContaining('stored on this worker') as string,
    });
    expect(told('POST').kind).toBe('LOST');
  });

  it('that breaks off is tried again, and a request that must not be repeated counts as lost', async () => {
    const get = await benchOf('').run(taskOf('request: GET /broken'));
    expect(get).toMatchObject({ failure: 'MACHINE', retryable: true });
    const post = await benchOf('').run(
      taskOf('request: { method: POST, path: /broken }\nretry: { attempts: 3, on: [timeout] }'),
    );
    expect(post).toMatchObject({ failure: 'LOST', retryable: false });
    expect(post.message).toContain('It may have done its work');
  });
});

describe('health', () => {
  const healthOf = (text: string) =>
    benchOf('').host.health(backendOf(`kind: http\nallow-internal: [127.0.0.1]\n${text}`));

  it('asks whether anything answers, or for what the operator names', async () => {
    expect(await healthOf(`base-url: ${service.url}/none`)).toMatchObject({ state: 'READY' });
    expect(await healthOf(`base-url: ${service.url}\nhealth-path: /health`)).toEqual({
      state: 'READY',
      version: 'model-server/3.1',
      message: '',
    });
    expect(await healthOf(`base-url: ${service.url}\nhealth-path: /unwell`)).toMatchObject({ state: 'UNAVAILABLE' });
  });

  it('tells when nobody answers', async () => {
    const port = await unusedPort();
    const found = await healthOf(`base-url: http://127.0.0.1:${port}`);
    expect(found.state).toBe('UNAVAILABLE');
    expect(found.message).toContain(`http://127.0.0.1:${port} cannot be reached`);
  });
});

it('reads when to come again from seconds and dates', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(secondsUntil('7', now)).toBe(7);
  expect(secondsUntil('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60);
  expect(secondsUntil('Thu, 01 Jan 2015 00:01:00 GMT', now)).toBe(0);
  expect([undefined, 'soon', ['1', '2']].map((text) => secondsUntil(text, now))).toEqual([null, null, null]);
});

async function unusedPort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
