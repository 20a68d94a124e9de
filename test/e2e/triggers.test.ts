/** Triggers with real processes: signed calls from outside, and ends of submissions, each taken once. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { hookSignature } from '../../src/domain/webhook';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';
import { resultsOf } from './support/results';
import { eventually } from './support/wait';

const run = promisify(execFile);
const SECRET = 'a-secret-of-the-orders-1';
const NEXT_SECRET = 'the-secret-that-follows-2';
const JOBS = `
task: count
shell: true
command: wc -l < "$text" | tr -d ' ' > "$counted"; exit "$code"
inputs: { text: File }
parameters: { code: { type: int, default: 0 } }
outputs: { counted: '*.counted' }
---
job: count-lines
inputs: { text: File, title: { type: string, default: none }, code: { type: int, default: 0 } }
steps:
  count: { task: count, in: { text: text, code: code } }
  title: { task: title, in: { title: title } }
outputs: { counted: count.counted }
---
task: title
command: echo $VALUE
parameters: { title: string }
---
task: report
shell: true
command: printf '%s %s\\n' "$title" "$(cat "$counted")" > "$page"
inputs: { counted: File }
parameters: { title: { type: string } }
outputs: { page: '*.page' }
---
job: report
inputs: { counted: File, title: string }
steps: { report: { task: report, in: { counted: counted, title: title } } }
---
job: alarm
inputs: { state: string, id: string }
steps: { alarm: { task: title, in: { title: state } }, id: { task: title, in: { title: id } } }
---
trigger: orders
job: count-lines
webhook: { secret: shop, per-minute: 20 }
inputs: { text: { text: { body: /lines }, name: order.txt }, title: { body: /order/id } }
---
trigger: few
job: count-lines
webhook: { secret: shop, per-minute: 2 }
inputs: { text: { text: { body: '' } } }
`;

interface Answer {
  readonly firing?: string;
  readonly submission?: string | null;
  readonly code?: string;
  readonly message: string;
}

let stepcast: Stepcast;
beforeAll(async () => {
  stepcast = await startStepcast({
    apis: 2,
    env: {
      STEPCAST_HOOK_SECRETS: `shop=${NEXT_SECRET}, shop=${SECRET}, orders=${SECRET}`,
      STEPCAST_MAX_HOOK_BYTES: '2KiB',
    },
  });
  await stepcast.define(JOBS);
  await eventually('the triggers are followed', async () => (await stepcast.sql('select from firer')).length === 2);
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

const now = (): string => String(Math.floor(Date.now() / 1_000));

async function call(
  name: string,
  body: string,
  { secret = SECRET, timestamp = now(), api = 0, signature = hookSignature(secret, timestamp, Buffer.from(body)) } = {},
): Promise<{ status: number; answer: Answer }> {
  const response = await fetch(`${stepcast.apis[api]?.url}/hooks/${name}`, {
    method: 'POST',
    headers: { 'stepcast-timestamp': timestamp, 'stepcast-signature': signature },
    body,
  });
  return { status: response.status, answer: (await response.json()) as Answer };
}

describe('a webhook', () => {
  const order = (id: string): string => JSON.stringify({ order: { id }, lines: 'a\nb\nc\n' });

  test('submits a job with what its body holds', async () => {
    const { status, answer } = await call('orders', order('A-1'));
    expect([status, answer.message]).toEqual([202, '']);
    await stepcast.untilState(answer.submission ?? '', ['SUCCEEDED']);
    const results = await resultsOf(stepcast, answer.submission ?? '');
    expect(results.find(({ port }) => port === 'counted')?.text).toBe('3\n');
    const { submission } = await stepcast.gql<{ submission: Record<string, unknown> }>(
      `query ($id: ID!) { submission(id: $id) { label inputs firing { id name state } } }`,
      { id: answer.submission },
    );
    expect(submission).toMatchObject({
      label: 'orders',
      inputs: { title: 'A-1', text: { name: 'order.txt' } },
      firing: { id: answer.firing, name: 'orders', state: 'SUBMITTED' },
    });
  });

  test('takes both secrets while one is changed for another', async () => {
    expect((await call('orders', order('A-2'), { secret: NEXT_SECRET })).status).toBe(202);
  });

  test('takes a call once, whichever process gets it again', async () => {
    const timestamp = now();
    const replies = await Promise.all(
      [0, 1, 0, 1].map((api) => call('orders', order('A-3'), { timestamp, api }).then(({ status }) => status)),
    );
    expect(replies.sort()).toEqual([202, 409, 409, 409]);
    expect(await stepcast.sql(`select from submission where inputs->>'title' = 'A-3'`)).toHaveLength(1);
  });

  test.each([
    ['another secret', { secret: 'another-secret-entirely' }, 403, /does not fit/],
    ['no signature', { signature: '' }, 403, /not signed/],
    ['an old timestamp', { timestamp: String(Number(now()) - 400) }, 403, /300 seconds ago/],
    ['a timestamp of the future', { timestamp: String(Number(now()) + 400) }, 403, /ahead/],
    [
      'a timestamp that was changed',
      { signature: hookSignature(SECRET, '1', Buffer.from(order('B'))) },
      403,
      /does not/,
    ],
  ])('refuses %s', async (_, how, status, message) => {
    const before = await stepcast.sql('select count(*) from firing');
    const reply = await call('orders', order('B'), how);
    expect(reply.status).toBe(status);
    expect(reply.answer.message).toMatch(message);
    expect(await stepcast.sql('select count(*) from firing')).toEqual(before);
  });

  test('refuses what is too large, no JSON, or for nobody', async () => {
    expect((await call('orders', JSON.stringify('x'.repeat(3_000)))).status).toBe(413);
    expect((await call('orders', 'no json')).status).toBe(400);
    expect((await call('nobody', '{}')).status).toBe(404);
  });

  test('tells what is wrong with the inputs, and keeps the reason', async () => {
    const { status, answer } = await call('orders', JSON.stringify({ order: {}, lines: 7 }));
    expect(status).toBe(202);
    const refused = await call('orders', JSON.stringify({ order: { id: 5 }, lines: 'x' }));
    expect([refused.status, answer.message]).toEqual([422, '']);
    expect(refused.answer.message).toMatch(/Input "title".*expected string/);
    const { node } = await stepcast.gql<{ node: unknown }>(
      `query ($id: ID!) { node(id: $id) { ... on Firing { state message submission { id } } } }`,
      { id: refused.answer.firing },
    );
    expect(node).toEqual({ state: 'REFUSED', message: refused.answer.message, submission: null });
  });

  test('takes so many calls a minute', async () => {
    const replies = [await call('few', '{"n": 1}'), await call('few', '{"n": 2}'), await call('few', '{"n": 3}')];
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 429]);
    expect(await stepcast.sql(`select from firing where name = 'few'`)).toHaveLength(2);
  });

  test('takes none while it is paused', async () => {
    await stepcast.gql(`mutation { pauseTrigger(input: { name: "orders" }) { trigger { paused } } }`);
    expect((await call('orders', order('P'))).status).toBe(503);
    await stepcast.gql(`mutation { unpauseTrigger(input: { name: "orders" }) { trigger { paused } } }`);
    expect((await call('orders', order('P'))).status).toBe(202);
  });

  test('never shows its secret', async () => {
    const { status, data } = await stepcast.reply<object>(
      `{ triggers { nodes { name inputs webhook { url secret perMinute } } } }`,
    );
    expect(status).toBe(200);
    expect(JSON.stringify(data)).toContain('"secret":"shop"');
    expect(JSON.stringify(data)).not.toContain(SECRET);
  });

  test('the example of the manual works as it stands', async () => {
    const page = readFileSync(path.join(__dirname, '../../docs/schedules.md'), 'utf8');
    const script = /```sh\n(body=[\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(script).toContain('openssl');
    const yaml = /```yaml\n(trigger: orders[\s\S]*?)```/.exec(page)?.[1] ?? '';
    await stepcast.define(yaml.replace('job: word-count', 'job: count-lines'));
    const { stdout } = await run('sh', ['-c', script.replaceAll('http://127.0.0.1:4000', stepcast.url)], {
      env: { PATH: process.env['PATH'], ORDERS_SECRET: SECRET },
    });
    const answer = JSON.parse(stdout) as Answer;
    expect(answer.message).toBe('');
    await stepcast.untilState(answer.submission ?? '', ['SUCCEEDED']);
  });
});

describe('the end of a submission', () => {
  const fired = (label: string): Promise<{ id: string; state: string; title: string }[]> =>
    stepcast.sql(`select id, state, inputs->>'title' as title from submission where label = $1 order by id`, [label]);

  test('starts another job with its outputs and inputs, once', async () => {
    await stepcast.define(`{trigger: report-it, job: report, after: count-lines,
      inputs: {counted: {output: counted}, title: {input: title}}}`);
    await eventually(
      'it is followed',
      async () => (await stepcast.sql(`select from firer where name = 'report-it'`)).length === 1,
    );
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1)
      ids.push(await stepcast.submit('count-lines', { text: { text: 'a\nb\n' }, title: `title-${n}` }));
    const failing = await stepcast.submit('count-lines', { text: { text: 'a\n' }, title: 'failing', code: 1 });
    await stepcast.untilState(failing, ['FAILED']);
    const all = await eventually('five reports', async () => {
      const found = await fired('report-it');
      return found.length === 5 && found.every(({ state }) => state === 'SUCCEEDED') ? found : null;
    });
    expect(all.map(({ title }) => title).sort()).toEqual([0, 1, 2, 3, 4].map((n) => `title-${n}`));
    const id = Buffer.from(`Submission:${all[0]?.id}`).toString('base64url');
    expect((await resultsOf(stepcast, id)).find(({ port }) => port === 'page')?.text).toBe(`${all[0]?.title} 2\n`);
    const sources = await stepcast.sql<{ source_id: string }>(
      `select source_id from firing where name = 'report-it' order by source_id`,
    );
    expect(sources.map((row) => row.source_id)).toEqual(ids.map(keyOf).sort((a, b) => Number(a) - Number(b)));
  }, 60_000);

  test('ANY and FAILED look at how it ended', async () => {
    await stepcast.define(`
trigger: on-failure
job: alarm
after: { job: count-lines, on: failed }
inputs: { state: { submission: state }, id: { submission: id } }
---
trigger: on-any
job: alarm
after: { job: count-lines, on: any }
inputs: { state: { submission: state }, id: { submission: id } }
`);
    await eventually(
      'they are followed',
      async () => (await stepcast.sql(`select from firer where name like 'on-%'`)).length === 2,
    );
    const good = await stepcast.submit('count-lines', { text: { text: 'a\n' } });
    const bad = await stepcast.submit('count-lines', { text: { text: 'a\n' }, code: 1 });
    const seen = await eventually('three alarms', async () => {
      const rows = await stepcast.sql<{ label: string; state: string; id: string }>(
        `select label, inputs->>'state' as state, inputs->>'id' as id from submission where job_name = 'alarm' order by label, state`,
      );
      return rows.length === 3 ? rows : null;
    });
    expect(seen).toEqual([
      { label: 'on-any', state: 'FAILED', id: bad },
      { label: 'on-any', state: 'SUCCEEDED', id: good },
      { label: 'on-failure', state: 'FAILED', id: bad },
    ]);
  });

  test('jobs that would start each other for ever are refused when they are defined', async () => {
    await expect(
      stepcast.define(`{trigger: back, job: count-lines, after: report, inputs: {text: {output: report}}}`),
    ).rejects.toThrow(/for ever: .*count-lines → report → count-lines|no output "report"/);
    await expect(
      stepcast.define(`{trigger: self, job: alarm, after: {job: alarm, on: any}, inputs: {state: x, id: y}}`),
    ).rejects.toThrow('for ever: alarm → alarm');
  });
});
