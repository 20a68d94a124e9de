/** Graphs as callers meet them: data and images of definitions and of real runs. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseXml, textOf } from '../drawing/xml';
import { GATED_JOBS, makeGate } from './support/gate';
import { startStepcast, type Stepcast } from './support/stepcast';

const CLI = path.join(__dirname, '../../dist/src/cli/main.js');

const JOBS = `${GATED_JOBS}
---
task: refuse
command: "false"
---
job: gated-chain
inputs: { gate: string }
steps:
  quick: { task: short, in: { gate: gate } }
  slow: { task: hold, in: { gate: gate }, after: [quick] }
  doomed: { task: refuse, after: [slow] }
  last: { task: short, in: { gate: gate }, after: [doomed] }
---
job: two-steps
inputs: { gate: string, name: string }
steps:
  one: { task: short, in: { gate: gate, name: name } }
  two: { task: hold, in: { gate: gate }, after: [one] }
---
job: nested
inputs: { gate: string, names: 'string[]' }
steps:
  each: { job: two-steps, scatter: name, in: { gate: gate, name: names } }
  after: { task: short, in: { gate: gate }, after: [each] }
`;

const GRAPH = `graph {
  nodes { id kind label runs state total stepRunId counts { pending running succeeded failed cancelled } }
  edges { from to kind }
  svgUrl
}`;

interface Graph {
  readonly nodes: readonly {
    readonly id: string;
    readonly runs: string;
    readonly state: string | null;
    readonly stepRunId: string | null;
    readonly counts: unknown;
  }[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly kind: string }[];
  readonly svgUrl: string;
}

let stepcast: Stepcast;
beforeAll(async () => {
  stepcast = await startStepcast();
  await stepcast.define(JOBS);
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

const graphOfRun = async (id: string): Promise<Graph> =>
  (
    await stepcast.gql<{ submission: { graph: Graph } }>(`query ($id: ID!) { submission(id: $id) { ${GRAPH} } }`, {
      id,
    })
  ).submission.graph;
const graphOfJob = async (name: string): Promise<Graph> =>
  (await stepcast.gql<{ job: { graph: Graph } }>(`query ($name: String!) { job(name: $name) { ${GRAPH} } }`, { name }))
    .job.graph;

/** Not by fetch, which adds `Cache-Control: no-cache` to a question with a tag. */
async function fetchImage(url: string, tag?: string): Promise<{ status: number; tag: string; svg: string }> {
  const headers = tag === undefined ? {} : { 'if-none-match': tag };
  const [response] = (await once(get(url, { headers }), 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    tag: String(response.headers.etag),
    svg: Buffer.concat(chunks).toString('utf8'),
  };
}

test('the image of a run follows it, at one address, and is sent again only when something happened', async () => {
  const gate = await makeGate();
  const id = await stepcast.submit('gated-chain', { gate: gate.folder }, { label: 'a <label>' });
  await gate.untilRuns(2);
  const running = await graphOfRun(id);
  expect(running.nodes.map((node) => [node.id, node.runs, node.state])).toEqual([
    ['quick', 'short', 'SUCCEEDED'],
    ['slow', 'hold', 'RUNNING'],
    ['doomed', 'refuse', 'PENDING'],
    ['last', 'short', 'PENDING'],
  ]);
  expect(running.nodes[1]?.counts).toEqual({ pending: 0, running: 1, succeeded: 0, failed: 0, cancelled: 0 });
  expect(running.edges).toEqual([
    { from: 'quick', to: 'slow', kind: 'ORDER' },
    { from: 'slow', to: 'doomed', kind: 'ORDER' },
    { from: 'doomed', to: 'last', kind: 'ORDER' },
  ]);
  const { stepRun } = await stepcast.gql<{ stepRun: { name: string } }>(
    'query ($id: ID!) { stepRun(id: $id) { name } }',
    { id: running.nodes[1]?.stepRunId },
  );
  expect(stepRun.name).toBe('slow');

  const first = await fetchImage(running.svgUrl);
  const texts = textOf(parseXml(first.svg), 'text');
  expect(texts[0]).toBe('gated-chain · a <label>');
  expect(texts.filter((text) => text === 'running')).toHaveLength(2);
  expect(texts.filter((text) => text === 'pending')).toHaveLength(2);
  expect(await fetchImage(running.svgUrl, first.tag)).toMatchObject({ status: 304, svg: '' });

  await gate.open();
  await stepcast.untilState(id, ['FAILED']);
  const ended = await fetchImage(running.svgUrl, first.tag);
  expect(ended.status).toBe(200);
  expect(textOf(parseXml(ended.svg), 'desc')[0]).toMatch(
    /^4 steps: quick \(short\): succeeded · .*; slow \(hold\): succeeded · .*; doomed \(refuse\): failed · .*; last \(short\): (skipped|cancelled)\.$/,
  );
  await gate.remove();
});

test('a scattered job is a frame whose steps count all elements, or one box when it stays closed', async () => {
  const gate = await makeGate();
  const id = await stepcast.submit('nested', { gate: gate.folder, names: ['a', 'b', 'c'] });
  await gate.untilRuns(6);
  const query = `query ($id: ID!, $depth: Int!) {
    submission(id: $id) {
      graph(depth: $depth) {
        nodes { id kind group over state total counts { running succeeded } }
        groups { id kind runs state total counts { running } }
        svgUrl
      }
    }
  }`;
  interface Answer {
    readonly submission: { readonly graph: { readonly svgUrl: string } };
  }
  const open = (await stepcast.gql<Answer>(query, { id, depth: 1 })).submission.graph;
  expect(open).toMatchObject({
    nodes: [
      { id: 'after', kind: 'TASK', group: null, state: 'PENDING', total: 1 },
      { id: 'each/one', group: 'each', state: 'SUCCEEDED', total: 3, counts: { running: 0, succeeded: 3 } },
      { id: 'each/two', group: 'each', state: 'RUNNING', total: 3, counts: { running: 3, succeeded: 0 } },
    ],
    groups: [{ id: 'each', kind: 'SCATTER', runs: 'two-steps', state: 'RUNNING', total: 3, counts: { running: 3 } }],
  });
  expect(textOf(parseXml((await fetchImage(open.svgUrl)).svg), 'text')).toEqual(
    expect.arrayContaining(['each', 'one', expect.stringMatching(/^all 3 succeeded · /), 'two', '0 of 3 ended']),
  );
  const closed = (await stepcast.gql<Answer>(query, { id, depth: 0 })).submission.graph;
  expect(closed).toMatchObject({
    nodes: [
      { id: 'each', kind: 'SCATTER', over: ['name'], total: 3 },
      { id: 'after', kind: 'TASK', over: [] },
    ],
    groups: [],
  });
  const before = await fetchImage(closed.svgUrl);
  expect(textOf(parseXml(before.svg), 'text')).not.toContain('two');

  await gate.open();
  await stepcast.untilState(id, ['SUCCEEDED']);
  const ended = await fetchImage(closed.svgUrl, before.tag);
  expect(textOf(parseXml(ended.svg), 'text').join('\n')).toContain('all 3 succeeded');
  await gate.remove();
});

test('the graph of a job shows the job as it is defined when the image is asked for', async () => {
  const job = (steps: string): string => `job: growing\ninputs: { gate: string }\nsteps:\n${steps}`;
  const one = '  one: { task: short, in: { gate: gate } }\n';
  await stepcast.define(job(one));
  const before = await graphOfJob('growing');
  expect(before.nodes).toMatchObject([{ id: 'one', state: null, counts: null, stepRunId: null }]);
  const image = await fetchImage(before.svgUrl);
  expect(textOf(parseXml(image.svg), 'text')).toEqual(['growing', 'one', 'short']);
  await stepcast.define(job(`${one}  two: { task: short, in: { gate: gate }, after: [one] }\n`));
  const after = await fetchImage(before.svgUrl, image.tag);
  expect(textOf(parseXml(after.svg), 'text')).toEqual(['growing', 'one', 'short', 'two', 'short']);
});

test('the job of an older submission has the graph, and the image, of its own version', async () => {
  const gate = await makeGate();
  const job = (name: string): string =>
    `job: renamed\ninputs: { gate: string }\nsteps: { ${name}: { task: short, in: { gate: gate } } }`;
  await stepcast.define(job('old'));
  const id = await stepcast.submit('renamed', { gate: gate.folder });
  await stepcast.define(job('new'));
  const { submission } = await stepcast.gql<{ submission: { job: { graph: Graph } } }>(
    `query ($id: ID!) { submission(id: $id) { job { ${GRAPH} } } }`,
    { id },
  );
  expect(submission.job.graph.nodes).toMatchObject([{ id: 'old', state: null }]);
  expect(textOf(parseXml((await fetchImage(submission.job.graph.svgUrl)).svg), 'text')).toContain('old');
  await stepcast.untilState(id, ['SUCCEEDED']);
  await gate.remove();
});

test('an address works as long as it was asked for, and its bounds are kept', async () => {
  const graph = (args: string): Promise<{ errors?: readonly { message: string }[]; data: unknown }> =>
    stepcast.reply(`{ job(name: "hold") { ${args} } }`);
  const { data } = await graph('graph { svgUrl(validSeconds: 31536000) }');
  const expires = Number(/expires=(\d+)/.exec(JSON.stringify(data))?.[1]);
  expect(Math.abs(expires - (Date.now() / 1_000 + 31_536_000))).toBeLessThan(600);
  const said = async (args: string): Promise<string | undefined> => (await graph(args)).errors?.[0]?.message;
  expect(await said('graph { svgUrl(validSeconds: 0) }')).toContain('must be from 1 to');
  expect(await said('graph { svgUrl(validSeconds: 99999999) }')).toContain('must be from 1 to');
  expect(await said('graph(first: 201) { foldedSteps }')).toContain('from 1 to 200');
  expect(await said('graph(depth: 9) { foldedSteps }')).toContain('from 0 to 8');
});

test('the command writes the image of a job and of a submission, and says what it does not find', async () => {
  const gate = await makeGate();
  await gate.open();
  const id = await stepcast.submit('hold', { gate: gate.folder });
  await stepcast.untilState(id, ['SUCCEEDED']);
  const run = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
    promisify(execFile)(process.execPath, [CLI, 'graph', ...args], {
      env: { PATH: process.env['PATH'], STEPCAST_URL: stepcast.url },
    });
  expect(textOf(parseXml((await run('hold')).stdout), 'title')[0]).toBe('hold');
  expect(textOf(parseXml((await run(id)).stdout), 'title')[0]).toBe('hold: succeeded');
  expect(JSON.parse((await run(id, '--json')).stdout)).toMatchObject({ nodes: [{ id: 'hold', state: 'SUCCEEDED' }] });
  await expect(run('nothing')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no job and no submission "nothing"') as string,
  });
  await gate.remove();
});
