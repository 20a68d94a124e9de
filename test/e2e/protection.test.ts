/** What the service does not let happen: requests that ask too much, strangers, and its insides in an answer. */
import { once } from 'node:events';
import { request } from 'node:http';
import { WebSocket } from 'ws';
import { connect, post, subscribeOn } from './support/client';
import { GATED_JOBS, makeGate } from './support/gate';
import { startStepcast, type Stepcast } from './support/stepcast';

const MAX_SUBSCRIPTIONS = 3;

let stepcast: Stepcast;

beforeAll(async () => {
  stepcast = await startStepcast({
    env: {
      STEPCAST_PAGE_LIMIT: '50',
      STEPCAST_MAX_BODY_BYTES: '65536',
      STEPCAST_MAX_INLINE_BYTES: '1024',
      STEPCAST_MAX_UPLOAD_BYTES: '4096',
      STEPCAST_MAX_BATCH: '3',
      STEPCAST_MAX_SUBSCRIPTIONS_PER_CONNECTION: String(MAX_SUBSCRIPTIONS),
    },
  });
  await stepcast.define(GATED_JOBS);
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

const deep = (levels: number): string =>
  levels === 0 ? 'id' : `batch { submissions(first: 1) { nodes { ${deep(levels - 1)} } } }`;
const aliases = (count: number): string =>
  Array.from({ length: count }, (_, at) => `a${at}: task(name: "x") { id }`).join(' ');

describe('an operation that asks too much is refused, over HTTP and over WebSocket', () => {
  const tooMuch: [string, string, RegExp][] = [
    ['depth', `{ submissions(first: 1) { nodes { ${deep(6)} } } }`, /depth/i],
    ['aliases', `{ ${aliases(31)} }`, /alias/i],
    [
      'cost',
      `{ submissions(first: 50) { nodes { steps(first: 50) { nodes { attempts(first: 50) { nodes { number } } } } } } }`,
      /could return about \d+ objects; the limit is 20000/,
    ],
  ];
  test.each(tooMuch)('%s', async (_name, query, message) => {
    const { data, errors } = await stepcast.reply(query);
    expect(data ?? null).toBeNull();
    expect(errors?.[0]?.message).toMatch(message);
    expect(errors?.[0]?.extensions?.['code']).toMatch(/^(BAD_REQUEST|GRAPHQL_VALIDATION_FAILED)$/);
    await expect(first(query)).rejects.toMatchObject([{ message: expect.stringMatching(message) as unknown }]);
  });

  test('what is just allowed is answered', async () => {
    expect((await stepcast.reply(`{ ${aliases(30)} }`)).errors).toBeUndefined();
  });

  test.each([51, 0, -1, 2_000_000_000])('a page of %s entries', async (count) => {
    const { errors } = await stepcast.reply(`query ($first: Int) { submissions(first: $first) { nodes { id } } }`, {
      first: count,
    });
    expect(errors?.[0]?.message).toMatch(/from 1 to 50|the limit is 20000/);
    expect(errors?.[0]?.extensions?.['code']).toMatch(/^BAD_/);
  });

  test('several operations in one request', async () => {
    const response = await fetch(`${stepcast.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]),
    });
    expect(response.status).toBe(400);
  });

  test('a request that is too large', async () => {
    const query = `{ __typename } # ${'x'.repeat(70_000)}`;
    const response = await fetch(`${stepcast.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ code: 'LIMIT_EXCEEDED', message: 'The request is too large.' });
    await expect(first(query)).rejects.toMatchObject({ code: 1009 });
  });

  test('too many subscriptions on one connection', async () => {
    const client = connect(stepcast.url);
    const open = Array.from({ length: MAX_SUBSCRIPTIONS }, () =>
      subscribeOn(client, 'subscription { activity { cursor } }'),
    );
    const waiting = open.map((one) => one.next());
    const extra = subscribeOn(client, 'subscription { activity { cursor } }').next();
    await expect(extra).rejects.toMatchObject([
      { message: `A connection carries at most ${MAX_SUBSCRIPTIONS} operations at once.` },
    ]);
    // The others live on: the next event reaches each of them.
    const gate = await makeGate();
    await stepcast.submit('short', { gate: gate.folder });
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual(open.map(() => false));
    for (const one of open) await one.return?.();
    await client.dispose();
    await gate.remove();
  });

  test('more data than allowed: inline, uploaded, or in one batch', async () => {
    const inline = await stepcast.gql<{ runProteins: unknown }>(
      `mutation ($text: String!) { runProteins: runWordCount(input: { text: { text: $text } }) { userErrors { code message field } } }`,
      { text: 'x'.repeat(1_025) },
    );
    expect(inline.runProteins).toMatchObject({ userErrors: [{ code: 'LIMIT_EXCEEDED', field: ['input', 'text'] }] });
    const { createUpload } = await stepcast.gql<{ createUpload: { upload: { id: string; url: string } } }>(
      `mutation { createUpload(input: { name: "big" }) { upload { id url } } }`,
    );
    expect((await fetch(createUpload.upload.url, { method: 'PUT', body: 'x'.repeat(4_097) })).status).toBe(413);
    const { upload } = await stepcast.gql<{ upload: unknown }>(`query ($id: ID!) { upload(id: $id) { stored } }`, {
      id: createUpload.upload.id,
    });
    expect(upload).toEqual({ stored: false });
    const items = [1, 2, 3, 4].map(() => ({ job: 'short', inputs: { gate: '/nowhere' } }));
    const { submitBatch } = await stepcast.gql<{ submitBatch: unknown }>(
      `mutation ($items: [SubmitJobInput!]!) { submitBatch(input: { items: $items }) { userErrors { code message } } }`,
      { items },
    );
    expect(submitBatch).toEqual({
      userErrors: [{ code: 'LIMIT_EXCEEDED', message: expect.stringContaining('3') as unknown }],
    });
  });

  test('more work than may wait', async () => {
    const [api] = stepcast.apis;
    await api?.end('SIGTERM');
    await api?.restart({ STEPCAST_MAX_QUEUED: '2' });
    const gate = await makeGate();
    const holding = [];
    for (let n = 0; n < 4; n += 1) {
      holding.push(await stepcast.submit('hold', { gate: gate.folder }));
      await gate.untilRuns(n + 1);
    }
    const waiting = [
      await stepcast.submit('hold', { gate: gate.folder }),
      await stepcast.submit('hold', { gate: gate.folder }),
    ];
    const before = await stepcast.sql('select count(*) from submission');
    await expect(stepcast.submit('hold', { gate: gate.folder })).rejects.toThrow(/^2 steps wait already.*Try again/);
    expect(await stepcast.sql('select count(*) from submission')).toEqual(before);
    await gate.open();
    for (const id of [...holding, ...waiting]) await stepcast.untilState(id, ['SUCCEEDED']);
    const last = await stepcast.submit('short', { gate: gate.folder });
    await stepcast.untilState(last, ['SUCCEEDED']);
    await gate.remove();
    await api?.end('SIGTERM');
    await api?.restart();
  });
});

describe('strangers', () => {
  const ORIGIN = 'https://evil.example';

  test('a page of another site is refused over HTTP', async () => {
    const response = await fetch(`${stepcast.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: ORIGIN },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    const own = await post(stepcast.url, '{ __typename }', {}, { origin: stepcast.url });
    expect(own.data).toEqual({ __typename: 'Query' });
  });

  test('a page of another site is refused over WebSocket', async () => {
    const dial = async (origin: string): Promise<number> => {
      const socket = new WebSocket(`${stepcast.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { origin });
      const status = await Promise.race([
        once(socket, 'open').then(() => 101),
        new Promise<number>((resolve) => {
          socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
          socket.on('error', () => undefined);
        }),
      ]);
      socket.terminate();
      return status;
    };
    expect(await dial(ORIGIN)).toBe(403);
    expect(await dial(stepcast.url)).toBe(101);
  });

  test('a name that was pointed at this machine is refused', async () => {
    const { port } = new URL(stepcast.url);
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/graphql?query={__typename}', headers: { host: 'evil.example' } })
        .on('response', (response) => {
          response.resume();
          resolve(response.statusCode);
        })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test('a plain form post or link of another page runs nothing', async () => {
    const form = await fetch(`${stepcast.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(form.status).toBeGreaterThanOrEqual(400);
    const link = await fetch(`${stepcast.url}/graphql?query=${encodeURIComponent('{ __typename }')}`);
    expect(link.status).toBe(400);
  });

  test('an address that other machines reach is refused with the reason', async () => {
    await expect(startStepcast({ env: { HOST: '0.0.0.0' }, workers: 0 })).rejects.toThrow(
      /HOST is "0\.0\.0\.0": it must be one of 127\.0\.0\.1, ::1 and localhost: without access keys/,
    );
  });
});

describe('a fault inside', () => {
  const INSIDES = /relation|select|step_run|event_seq|postgres|node_modules|\.js|\bat \w+ \(|SQL/i;
  const id = Buffer.from('Submission:1').toString('base64url');

  beforeAll(() => stepcast.sql('alter table submission rename to submission_away'));
  afterAll(() => stepcast.sql('alter table submission_away rename to submission'));

  test.each([
    ['a query', `query ($id: ID!) { submission(id: $id) { state } }`],
    ['a list', `query ($id: ID!) { node(id: $id) { id } submissions { nodes { id } } }`],
    ['a mutation', `mutation ($id: ID!) { cancelSubmission(input: { id: $id }) { userErrors { message } } }`],
    ['a subscription', `subscription ($id: ID!) { submissionEvents(id: $id) { seq } }`],
  ])('%s tells a reference and nothing of it', async (_name, query) => {
    const [api] = stepcast.apis;
    const from = api?.output().length ?? 0;
    const replies: unknown[] = [];
    if (!query.startsWith('subscription')) {
      const { errors } = await stepcast.reply(query, { id });
      replies.push(...(errors ?? []));
      expect(errors?.[0]?.extensions?.['code']).toBe('INTERNAL');
    }
    const overSocket = await first(query, { id }).then(
      () => [],
      (errors: unknown) => errors as unknown[],
    );
    expect(overSocket).not.toEqual([]);
    replies.push(...overSocket);
    const text = JSON.stringify(replies);
    expect(text).toMatch(/Something went wrong on the server\. Give its operator this reference: [0-9a-f]{12}/);
    expect(text).not.toMatch(INSIDES);
    // The operator finds the reference, with the fault, in the log.
    for (const [reference] of text.matchAll(/(?<=reference: )[0-9a-f]{12}/g)) {
      await api?.says(new RegExp(`${reference}.*relation`), from);
    }
  });
});

/** The first result of an operation over WebSocket. Rejects with its errors. */
async function first(query: string, variables: Record<string, unknown> = {}): Promise<unknown> {
  const client = connect(stepcast.url);
  try {
    return await new Promise((resolve, reject) => {
      client.subscribe(
        { query, variables },
        {
          next: (result) => (result.errors ? reject(result.errors as unknown as Error) : resolve(result)),
          error: reject,
          complete: () => undefined,
        },
      );
    });
  } finally {
    await client.dispose();
  }
}
