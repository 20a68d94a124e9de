import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { createLocalStore } from '../../../src/artifacts/localStore';
import { StepcastError } from '../../../src/domain/errors';
import { downloadPath, downloadsRouter } from '../../../schema/http/downloads';
import { inAnHour, serve, temporaryFolder, type TestServer } from './support';

const secret = 'a secret of some length';

describe('downloads', () => {
  const folder = temporaryFolder();
  const store = createLocalStore(`${folder.path}/.hidden/store`);
  const authorized: string[] = [];
  let server: TestServer;
  let sha256: string;

  const link = (name = 'numbers.txt', hash = sha256, expiresAt = inAnHour()): string =>
    server.url + downloadPath(secret, { sha256: hash, name, expiresAt });

  beforeAll(async () => {
    ({ sha256 } = await store.write(Readable.from([Buffer.from('0123456789')])));
    server = await serve(
      downloadsRouter({
        store,
        secret,
        authorize: async (request, hash) => {
          authorized.push(hash);
          if (request.headers['x-user'] === 'stranger') throw new StepcastError('FORBIDDEN', 'This file is not yours.');
        },
        find: async ({ name }) =>
          name.startsWith('unknown') ? null : { mediaType: name.endsWith('.html') ? 'text/html' : 'text/plain' },
      }),
    );
  });
  afterAll(async () => {
    await server.close();
    folder.remove();
  });

  it('sends the content as an attachment that no browser runs as a page', async () => {
    const response = await fetch(link('page.html'));
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('0123456789');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-length': '10',
      'content-disposition': 'attachment; filename=page.html',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'same-origin',
      'accept-ranges': 'bytes',
      etag: `"${sha256}"`,
    });
    expect(response.headers.has('set-cookie')).toBe(false);
  });

  it('keeps names of any alphabet and with any sign', async () => {
    const response = await fetch(link('Größe "€" 100%;.txt'));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="Gr??e \\"?\\" 100%;.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%22%E2%82%AC%22%20100%25%3B.txt`,
    );
  });

  it('answers HEAD without a body', async () => {
    const response = await fetch(link(), { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '10', '']);
  });

  it.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
  ])('sends the range %s', async (range, body, contentRange) => {
    const response = await fetch(link(), { headers: { range } });
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      206,
      body,
      contentRange,
    ]);
  });

  it('goes on with a broken download only while the content is the same', async () => {
    const same = await fetch(link(), { headers: { range: 'bytes=8-', 'if-range': `"${sha256}"` } });
    expect([same.status, await same.text()]).toEqual([206, '89']);
    const other = await fetch(link(), { headers: { range: 'bytes=8-', 'if-range': '"other"' } });
    expect([other.status, await other.text()]).toEqual([200, '0123456789']);
  });

  it('says 416 with the size for a range outside of the file', async () => {
    const response = await fetch(link(), { headers: { range: 'bytes=10-' } });
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    expect(await response.json()).toMatchObject({ message: 'The range asked for lies outside of the file.' });
  });

  it('says 304 to a client that has the content', async () => {
    // Not by fetch, which adds `Cache-Control: no-cache` here.
    const request = get(link(), { headers: { 'if-none-match': `"${sha256}"` } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.resume().statusCode).toBe(304);
  });

  it('refuses an expired link in one sentence', async () => {
    const response = await fetch(link('numbers.txt', sha256, new Date(Date.now() - 2000)));
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({
      code: 'FORBIDDEN',
      message: 'This download link is past its time. Ask for a new one.',
    });
  });

  it('refuses a link for another name or without a signature, before it asks who is there', async () => {
    authorized.length = 0;
    expect((await fetch(link().replace('numbers', 'letters'))).status).toBe(403);
    expect((await fetch(`${server.url}/files/${sha256}/numbers.txt`)).status).toBe(403);
    expect(authorized).toEqual([]);
  });

  it('asks on every download whether this caller may', async () => {
    authorized.length = 0;
    expect((await fetch(link())).status).toBe(200);
    const refused = await fetch(link(), { headers: { 'x-user': 'stranger' } });
    expect([refused.status, await refused.json()]).toEqual([
      403,
      { code: 'FORBIDDEN', message: 'This file is not yours.' },
    ]);
    expect(authorized).toEqual([sha256, sha256]);
  });

  it('says 404 for what is unknown or no longer stored', async () => {
    expect((await fetch(link('unknown.txt'))).status).toBe(404);
    const gone = await fetch(link('numbers.txt', 'a'.repeat(64)));
    expect([gone.status, await gone.json()]).toEqual([
      404,
      { code: 'NOT_FOUND', message: 'This file is not stored any more.' },
    ]);
    expect((await fetch(link('x', '..'))).status).toBe(404);
  });
});
