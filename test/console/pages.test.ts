import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import express from 'express';
import { pagesRouter } from '../../schema/http/pages';

const examples = [{ title: 'List submissions', query: '{ __typename }', variables: {} }];

let folder: string;
const servers: Server[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-console-'));
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  await rm(folder, { recursive: true });
});

async function buildConsole(): Promise<void> {
  const files = {
    'landing/index.html': '<title>Stepcast</title>',
    'landing/style.css': 'body {}',
    'graphiql/index.html': '<title>GraphiQL</title>',
    'graphiql/assets/index-abc.js': 'plain',
    'graphiql/assets/index-abc.js.br': 'brotli',
    'graphiql/assets/index-abc.js.gz': 'gzip',
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Get = (target: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>;

async function serve(): Promise<Get> {
  const app = express().use(pagesRouter({ consoleDir: folder, examples: () => Promise.resolve(examples) }));
  const server = await new Promise<Server>((resolve) => {
    const started = app.listen(0, '127.0.0.1', () => resolve(started));
  });
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  return (target, headers = {}) =>
    new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1', path: target, headers, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      })
        .on('error', reject)
        .end();
    });
}

describe('the pages', () => {
  it('the landing page stands at / and GraphiQL at /graphiql/', async () => {
    await buildConsole();
    const get = await serve();
    expect(await get('/')).toMatchObject({ status: 200, body: '<title>Stepcast</title>' });
    expect(await get('/landing/style.css')).toMatchObject({ status: 200, body: 'body {}' });
    expect(await get('/graphiql/?operation=RunWordCount')).toMatchObject({
      status: 200,
      body: '<title>GraphiQL</title>',
    });
  });

  it('/graphiql leads to /graphiql/ and keeps the query', async () => {
    await buildConsole();
    const get = await serve();
    const { status, headers } = await get('/graphiql?operation=RunWordCount');
    expect([status, headers.location]).toEqual([308, '/graphiql/?operation=RunWordCount']);
  });

  it.each(['/', '/graphiql/', '/graphiql/assets/index-abc.js', '/graphiql/examples.json'])(
    '%s forbids scripts and frames of other origins',
    async (target) => {
      await buildConsole();
      const get = await serve();
      const { headers } = await get(target);
      const policy = headers['content-security-policy'];
      expect(policy).toContain("default-src 'none'; script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/https?:|script-src[^;]*unsafe|\*/);
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    },
  );

  it.each([
    ['br', 'gzip, deflate, br', 'brotli'],
    ['gzip', 'gzip', 'gzip'],
    [undefined, 'identity', 'plain'],
  ])('an asset comes as %s to a client that accepts "%s"', async (encoding, accepted, content) => {
    await buildConsole();
    const get = await serve();
    const { headers, body } = await get('/graphiql/assets/index-abc.js', { 'accept-encoding': accepted });
    expect(body).toBe(content);
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers['content-type']).toMatch(/^text\/javascript/);
    expect(headers.vary).toBe('Accept-Encoding');
  });

  it('assets with a hashed name are kept for ever, pages are asked for again', async () => {
    await buildConsole();
    const get = await serve();
    expect((await get('/graphiql/assets/index-abc.js')).headers['cache-control']).toContain('immutable');
    for (const page of ['/', '/graphiql/', '/landing/style.css']) {
      const { headers } = await get(page);
      expect(headers['cache-control']).toBe('no-cache');
      expect((await get(page, { 'if-none-match': headers.etag ?? '' })).status).toBe(304);
    }
  });

  it('the ready operations come as JSON and are never kept', async () => {
    await buildConsole();
    const get = await serve();
    const { headers, body } = await get('/graphiql/examples.json');
    expect(JSON.parse(body)).toEqual(examples);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('what is not there goes on to the next handler, without a long life', async () => {
    await buildConsole();
    const get = await serve();
    for (const target of [
      '/graphiql/assets/gone.js',
      '/graphiql/../../package.json',
      '/landing/%2e%2e/%2e%2e/x',
      '/graphql',
    ]) {
      const { status, headers } = await get(target);
      expect(status).toBe(404);
      expect(headers['cache-control']).toBeUndefined();
    }
  });

  it('a console that is not built says how to build it', async () => {
    const get = await serve();
    for (const target of ['/', '/graphiql', '/graphiql/']) {
      const { status, headers, body } = await get(target);
      expect(status).toBe(503);
      expect(headers['content-type']).toMatch(/^text\/plain/);
      expect(body).toBe(
        'The console is not built yet: run "npm run build" in the Stepcast folder, then start the API again.\n',
      );
    }
  });
});
