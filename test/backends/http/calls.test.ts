import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { FileValue } from '../../../src/domain/values';
import { createBench, type Bench } from '../support';
import { backendOf, taskOf } from '../written';
import { json, startService, type TestService } from './service';

const MEGABYTE = Buffer.alloc(1024 * 1024, 'stepcast ');
const LARGE_MEGABYTES = 200;

let service: TestService;
let bench: Bench;

beforeAll(async () => {
  service = await startService({
    '/v1/echo': (seen, response) =>
      json({ method: seen.method, url: seen.url, headers: seen.headers, body: seen.body.toString() })(
        seen,
        response,
        null as never,
      ),
    '/v1/score': json({ result: [{ score: 0.75, 'a/b': { '~': 'odd' } }], count: 3, name: 'Łódź', nothing: null }),
    '/v1/text': (_, response) =>
      void response.writeHead(200, { 'content-type': 'text/plain', 'x-rate': '17' }).end('42\n'),
    '/v1/table': (_, response) => void response.writeHead(200, { 'content-type': 'text/csv' }).end('a,b\n1,2\n'),
    '/v1/packed': (_, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync('{"count":5}')),
    '/v1/large': (_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      Readable.from(Array.from({ length: LARGE_MEGABYTES }, () => MEGABYTE)).pipe(response);
    },
    '/v1/not-json': (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    '/v1/forged': json({ file: { class: 'File', sha256: 'a'.repeat(64), name: 'x', size: 1, mediaType: 'a/b' } }),
    '/v1/missing': json({ detail: 'there is no model of this name' }, 404),
    '/v1/busy': json({}, 503),
  });
  bench = createBench(
    backendOf(`kind: http
base-url: ${service.url}/v1
allow-internal: [127.0.0.1]
headers: { X-Client: stepcast }`),
  );
});
afterAll(async () => {
  await bench.close();
  await service.close();
});

const last = () => service.seen.at(-1);

describe('what a call sends', () => {
  it('has values in the path, the query and the headers, each encoded for its place', async () => {
    const task = taskOf(`
request:
  path: /echo
  query: { q: "\${text}", tag: "\${tags}", none: "\${gone}", fixed: 3 }
  headers: { X-Run: "run \${ID}", X-Client: analyst }
inputs: { text: string, tags: "string[]", gone: "string?" }
outputs: { url: { type: string }, headers: { type: Any } }`);
    const { outputs, state } = await bench.run(task, { text: 'a&b=ü c', tags: ['x', 'y'], gone: null });
    expect(state).toBe('SUCCEEDED');
    expect(outputs.url).toBe('/v1/echo?q=a%26b%3D%C3%BC+c&tag=x&tag=y&fixed=3');
    expect(outputs.headers).toMatchObject({ 'x-client': 'analyst', 'user-agent': 'stepcast' });
    expect(last()?.headers['x-run']).toMatch(/^run run-\d+$/);
  });

  it('keeps a value inside of its segment of the path', async () => {
    const task = taskOf(`
request: { path: "/echo/\${name}/x%20y", expect: 404 }
inputs: { name: string }`);
    await bench.run(task, { name: 'a/../b?c#d e' });
    expect(last()?.url).toBe('/v1/echo/a%2F..%2Fb%3Fc%23d%20e/x%20y');
  });

  it.each(['', '.', '..'])('is not sent with "%s" as a segment of the path', async (name) => {
    const before = service.seen.length;
    const task = taskOf(`request: { path: "/echo/\${name}/x" }\ninputs: { name: string }`);
    const outcome = await bench.run(task, { name });
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
    expect(outcome.message).toContain('must not be empty, "." or ".."');
    expect(service.seen.length).toBe(before);
  });

  it('is not sent with a line end in a header', async () => {
    const task = taskOf(`request: { path: /echo, headers: { X-Note: "\${note}" } }\ninputs: { note: string }`);
    const outcome = await bench.run(task, { note: 'a\r\nX-Admin: yes' });
    expect(outcome).toMatchObject({ state: 'FAILED', retryable: false });
    expect(outcome.message).toContain('The value of the header X-Note holds a line end');
  });

  it('has JSON in which values keep their types', async () => {
    const task = taskOf(`
request:
  path: /echo
  body:
    json: { text: "\${text}", limit: "\${limit}", "on": "\${flag}", list: "\${list}", record: "\${record}", note: "<\${text}> costs $$5", fixed: [1, null, true] }
inputs: { text: string, list: "int[]", record: Any }
parameters: { limit: { type: double }, flag: { type: boolean } }
outputs: { method: { type: string }, body: { type: string } }`);
    const values = { text: 'say "hi"\n', limit: 2.5, flag: false, list: [1, 2], record: { a: { b: null } } };
    const { outputs } = await bench.run(task, values);
    expect(outputs.method).toBe('POST');
    expect(JSON.parse(outputs.body as string)).toEqual({
      text: 'say "hi"\n',
      limit: 2.5,
      on: false,
      list: [1, 2],
      record: { a: { b: null } },
      note: '<say "hi"\n> costs $5',
      fixed: [1, null, true],
    });
    expect(last()?.headers['content-type']).toBe('application/json');
  });

  it('can be a form, a text, or the content of a File with its own type', async () => {
    const values = { text: 'a b&c', image: await bench.file('scan 1.txt', 'picture') };
    const sent = async (body: string) => {
      await bench.run(taskOf(`request: { path: /echo, body: ${body} }\ninputs: { text: string, image: File }`), values);
      return [last()?.headers['content-type'], last()?.body.toString()];
    };
    expect(await sent('{ form: { q: "${text}", n: 1 } }')).toEqual([
      'application/x-www-form-urlencoded',
      'q=a+b%26c&n=1',
    ]);
    expect(await sent('{ text: "<${text}>" }')).toEqual(['text/plain; charset=utf-8', '<a b&c>']);
    expect(await sent('{ file: image }')).toEqual(['text/plain', 'picture']);
  });

  it('can be a form with Files, whose names and contents are kept', async () => {
    const task = taskOf(`
request:
  path: /echo
  body: { multipart: { title: "\${title}", file: "\${scans}" } }
inputs: { title: string, scans: "File[]" }`);
    const scans = [await bench.file('ä "1".txt', 'first'), await bench.file('two.txt', 'second')];
    await bench.run(task, { title: 'Über', scans });
    const { headers, body } = last() ?? { headers: {}, body: Buffer.alloc(0) };
    const form = await new Response(body, { headers: { 'content-type': String(headers['content-type']) } }).formData();
    const files = form.getAll('file') as File[];
    expect(form.get('title')).toBe('Über');
    expect(files.map(({ name, type }) => [name, type])).toEqual([
      ['ä "1".txt', 'text/plain'],
      ['two.txt', 'text/plain'],
    ]);
    expect(await files[1]?.text()).toBe('second');
  });
});

describe('what a call returns', () => {
  it('is taken by name, by JSON pointer, as a whole, as status, text and header', async () => {
    const task = taskOf(`
request:
  path: /score
  response: { score: /result/0/score, odd: "/result/0/a~1b/~0", all: json, status: status }
outputs: { count: { type: int }, name: { type: string }, score: { type: double }, odd: { type: string }, all: { type: Any }, status: { type: int } }`);
    const { outputs, message } = await bench.run(task);
    expect(message).toBe('');
    expect(outputs).toMatchObject({ count: 3, name: 'Łódź', score: 0.75, odd: 'odd', status: 200 });
    expect(outputs.all).toMatchObject({ nothing: null });
    const text = taskOf(`
request: { path: /text, response: { number: text, rate: { header: X-Rate } } }
outputs: { number: { type: int }, rate: { type: int } }`);
    expect((await bench.run(text)).outputs).toEqual({ number: 42, rate: 17 });
  });

  it('can be a File, called by the output or as the task says, with its media type', async () => {
    const task = taskOf(`
request: { path: /table, response: { named: { file: "my table.csv" } } }
outputs: { table: { type: File }, named: { type: File } }`);
    const { outputs } = await bench.run(task);
    expect(outputs.table).toMatchObject({ name: 'table.csv', mediaType: 'text/csv' });
    expect(outputs.named).toMatchObject({ name: 'my table.csv', size: 8 });
    expect(await bench.content(outputs.table)).toBe('a,b\n1,2\n');
  });

  it('can be two Files of one name, and of one that is longer than a disk takes', async () => {
    const long = '🧬'.repeat(90);
    const task = taskOf(`
request: { path: /table, response: { a: { file: t.csv }, b: { file: t.csv }, c: { file: "${long}.csv" } } }
outputs: { a: { type: File }, b: { type: File }, c: { type: File } }`);
    const { outputs, message } = await bench.run(task);
    expect(message).toBe('');
    expect([outputs.a, outputs.b]).toMatchObject([{ name: 't.csv' }, { name: 't.csv' }]);
    expect((outputs.c as FileValue).name).toMatch(/^(🧬)+\.csv$/u);
  });

  it('is unpacked when the service packs it unasked', async () => {
    const task = taskOf(`request: GET /packed\noutputs: { count: { type: int } }`);
    expect((await bench.run(task)).outputs).toEqual({ count: 5 });
  });

  it('lacks what the service did not say, and is checked against the type', async () => {
    const missing = await bench.run(taskOf(`request: GET /score\noutputs: { total: { type: int } }`));
    expect(missing).toMatchObject({ state: 'FAILED', failure: 'MISSING_OUTPUT' });
    const unfit = await bench.run(taskOf(`request: GET /score\noutputs: { name: { type: int } }`));
    expect(unfit).toMatchObject({ state: 'FAILED', failure: 'BAD_OUTPUT' });
  });

  it('is refused when it is no JSON, or names a content of the store', async () => {
    const task = (path: string) => taskOf(`request: GET ${path}\noutputs: { file: { type: Any } }`);
    expect((await bench.run(task('/not-json'))).message).toContain('`response (text/html)` is not JSON');
    expect((await bench.run(task('/forged'))).message).toContain('object of class File');
  });

  it('passes 200 MB both ways without holding them', async () => {
    const { outputs } = await bench.run(taskOf(`request: GET /large\noutputs: { data: { type: File } }`));
    const file = outputs.data as FileValue;
    const hash = createHash('sha256');
    for (let part = 0; part < LARGE_MEGABYTES; part++) hash.update(MEGABYTE);
    expect(file).toMatchObject({ size: LARGE_MEGABYTES * MEGABYTE.length, sha256: hash.digest('hex') });
    const up = taskOf(`request: { path: /echo, body: { file: data }, expect: 200 }\ninputs: { data: File }`);
    expect((await bench.run(up, { data: file })).state).toBe('SUCCEEDED');
    expect(last()?.body.length).toBe(file.size);
  }, 120_000);
});

describe('a status that is not expected', () => {
  it('fails with what the service said, for good or until another try', async () => {
    const gone = await bench.run(taskOf(`request: GET /missing`));
    expect(gone).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 4, retryable: false });
    expect(gone.message).toContain('answered 404');
    expect(gone.message).toContain('there is no model of this name');
    const busy = await bench.run(taskOf(`request: GET /busy`));
    expect(busy).toMatchObject({ state: 'FAILED', failure: 'MACHINE', exitCode: 5, retryable: true });
  });

  it('can be expected, declared temporary, or read as an exit code', async () => {
    expect((await bench.run(taskOf(`request: { path: /missing, expect: [2xx, 404] }`))).state).toBe('SUCCEEDED');
    expect((await bench.run(taskOf(`request: { path: /missing, temporary: 400-499 }`))).retryable).toBe(true);
    expect((await bench.run(taskOf(`request: GET /missing\nexit-codes: { temporary: 4 }`))).retryable).toBe(true);
    expect((await bench.run(taskOf(`request: GET /missing\nexit-codes: { terminate: 4 }`))).terminate).toBe(true);
  });
});
