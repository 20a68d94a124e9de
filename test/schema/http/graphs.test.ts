import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { StepcastError } from '../../../src/domain/errors';
import { graphAddress, signedGraphPath, type GraphAddress } from '../../../schema/graphs/address';
import { graphsRouter } from '../../../schema/http/graphs';
import { inAnHour, serve, type TestServer } from './support';

const secret = 'a secret of some length';
const address: GraphAddress = { kind: 'job', name: 'word-count' };

describe('graphs as images', () => {
  let server: TestServer;
  let drawn = 0;
  let tag = 'one';
  const asked: unknown[] = [];

  const link = (of: GraphAddress = address, expiresAt = inAnHour(), first = 100): string =>
    server.url + signedGraphPath(secret, of, { expiresAt, options: { first, depth: 2 } });

  beforeAll(async () => {
    server = await serve(
      graphsRouter({
        secret,
        defaults: { first: 100, depth: 2 },
        authorize: async (request) => {
          if (request.headers['x-user'] === 'stranger') throw new StepcastError('FORBIDDEN', 'This is not yours.');
        },
        find: async (found, options) => {
          asked.push({ ...found, ...options });
          if (found.kind === 'job' && found.name === 'unknown') return null;
          return {
            tag,
            draw: async () => {
              drawn += 1;
              if (options.first > 200) throw new StepcastError('BAD_INPUT', 'first is too much.');
              return '<svg xmlns="http://www.w3.org/2000/svg"/>';
            },
          };
        },
      }),
    );
  });
  afterAll(() => server.close());
  beforeEach(() => {
    asked.length = 0;
    drawn = 0;
    tag = 'one';
  });

  it('are sent as SVG that may style itself, load and run nothing, and stand in any page', async () => {
    const response = await fetch(link());
    expect([response.status, await response.text()]).toEqual([200, '<svg xmlns="http://www.w3.org/2000/svg"/>']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/svg+xml; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
      'cross-origin-resource-policy': 'cross-origin',
      etag: '"one"',
    });
    expect(asked).toEqual([{ kind: 'job', name: 'word-count', first: 100, depth: 2 }]);
  });

  it('are drawn again only when something has changed', async () => {
    const status = async (): Promise<number | undefined> => {
      // Not by fetch, which adds `Cache-Control: no-cache` here.
      const [response] = (await once(get(link(), { headers: { 'if-none-match': '"one"' } }), 'response')) as [
        IncomingMessage,
      ];
      return response.resume().statusCode;
    };
    expect([await status(), drawn]).toEqual([304, 0]);
    tag = 'two';
    expect([await status(), drawn]).toEqual([200, 1]);
  });

  it('of a submission and of a version of a job have addresses of their own', async () => {
    await fetch(link({ kind: 'submission', id: 'U3VibWlzc2lvbjox' }, inAnHour(), 20));
    await fetch(link({ kind: 'job-version', key: '12' }));
    expect(asked).toEqual([
      { kind: 'submission', id: 'U3VibWlzc2lvbjox', first: 20, depth: 2 },
      { kind: 'job-version', key: '12', first: 100, depth: 2 },
    ]);
  });

  it('are refused when the address is past its time or was changed, before anything is looked for', async () => {
    const expired = await fetch(link(address, new Date(Date.now() - 2_000)));
    expect([expired.status, await expired.json()]).toEqual([
      403,
      { code: 'FORBIDDEN', message: 'This address of a graph is past its time. Ask for a new one.' },
    ]);
    const changed = [
      link().replace('word-count', 'other'),
      link().replace('/job/', '/submission/'),
      link().replace('signature=', 'signature=A'),
      `${server.url}/graphs/job/word-count.svg`,
    ];
    for (const url of changed) expect((await fetch(url)).status).toBe(403);
    expect(asked).toEqual([]);
  });

  it('are not a way to other signed addresses, nor those a way to them', async () => {
    const file = link().replace('/graphs/job/word-count.svg', '/files/word-count/x');
    expect((await fetch(file)).status).toBe(404);
  });

  it('ask each time whether this caller may', async () => {
    const refused = await fetch(link(), { headers: { 'x-user': 'stranger' } });
    expect([refused.status, await refused.json()]).toEqual([403, { code: 'FORBIDDEN', message: 'This is not yours.' }]);
    expect(asked).toEqual([]);
  });

  it('say in one sentence what is not there, or asks for too much', async () => {
    const unknown = await fetch(link({ kind: 'job', name: 'unknown' }));
    expect([unknown.status, unknown.headers.get('etag') === '"one"']).toEqual([404, false]);
    expect(await unknown.json()).toMatchObject({ code: 'NOT_FOUND' });
    const large = await fetch(link(address, inAnHour(), 201));
    expect([large.status, large.headers.get('etag') === '"one"', await large.json()]).toEqual([
      400,
      false,
      { code: 'BAD_INPUT', message: 'first is too much.' },
    ]);
    expect((await fetch(`${server.url}/graphs/nothing/x.svg`)).status).toBe(404);
  });
});

test.each([
  ['job', 'a/b.svg'],
  ['job', '..svg'],
  ['job', 'word-count.png'],
  ['job-version', 'x.svg'],
  ['job-version', '1234567890123456789.svg'],
  ['task', 'x.svg'],
])('/graphs/%s/%s is the address of no graph', (kind, file) => {
  expect(graphAddress(kind, file)).toBeUndefined();
});
