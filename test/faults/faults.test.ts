/**
 * Nothing is lost: hundreds of submissions while everything breaks, all from one seed. `npm run faults` runs more of it.
 * The same seed sends the same, and breaks the same in the same order.
 */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { GATED_JOBS, makeGate } from '../e2e/support/gate';
import { eventually } from '../e2e/support/wait';
import { CONCURRENCY, startCluster, type Cluster } from './support/cluster';
import { JOB_NAMES, MIX } from './support/jobs';
import { commandsOf, guardsOf } from './support/processTable';
import { runSchedule, type RunResult } from './support/run';
import { LANE_NAMES, LANES, makeSchedule } from './support/schedule';
import {
  verifyContents,
  verifyDatabase,
  verifyEffects,
  verifyFolders,
  verifySeen,
  verifySubmissions,
} from './support/verify';

const MAX_SEED = 2 ** 31;
const numberOf = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);

const SEED = numberOf('STEPCAST_FAULTS_SEED', randomInt(MAX_SEED));
const SUBMISSIONS = numberOf('STEPCAST_FAULTS_SUBMISSIONS', 500);
const FAULTS = numberOf('STEPCAST_FAULTS_COUNT', 60);
const RUN_MS = 240_000 + FAULTS * 15_000;
const REST_MS = 90_000;

jest.setTimeout(2 * REST_MS + 30_000);

let cluster: Cluster;
let result: RunResult;
const journal: string[] = [`seed ${SEED}, ${SUBMISSIONS} submissions, ${FAULTS} faults`];
const note = (line: string): void => {
  journal.push(line);
  if (process.env['STEPCAST_FAULTS_JOURNAL']) writeFileSync(process.env['STEPCAST_FAULTS_JOURNAL'], journal.join('\n'));
};

beforeAll(async () => {
  const schedule = makeSchedule({ seed: SEED, submissions: SUBMISSIONS, faults: FAULTS });
  process.stderr.write(`faults: seed ${SEED} (npm run faults -- --seed ${SEED} repeats it)\n`);
  cluster = await startCluster();
  note(`a disk is filled by: ${cluster.smallDisk.means}`);
  await cluster.stepcast.define(`${MIX}\n---${GATED_JOBS}`);
  await Promise.all(cluster.stepcast.apis.map((_, api) => untilKnown(api)));
  result = await runSchedule(cluster, schedule, note);
}, RUN_MS);

afterAll(async () => {
  await cluster.remove();
}, 120_000);

/** Definitions reach the other APIs within a second or so. */
async function untilKnown(api: number): Promise<void> {
  await eventually(`API ${api} knows all jobs`, async () => {
    const { data } = await cluster.stepcast.reply<{ jobs: { nodes: { name: string }[] } }>(
      `{ jobs(first: 100) { nodes { name } } }`,
      {},
      api,
    );
    const known = new Set(data?.jobs.nodes.map(({ name }) => name));
    return JOB_NAMES.every((name) => known.has(name));
  });
}

/** Fails with the seed and what broke when, which a repetition needs. */
function expectNone(broken: readonly string[]): void {
  if (broken.length > 0) throw new Error(`${broken.join('\n')}\n\nWhat happened:\n${journal.join('\n')}`);
}

test('each fault happened, and each kind of it when there are enough of them', () => {
  expectNone(result.happened.flatMap(({ fault, outcome }) => (outcome.fired ? [] : [`${fault.kind}: ${outcome.why}`])));
  expect(result.happened).toHaveLength(FAULTS);
  if (FAULTS < 60) return;
  const kinds = new Set(result.happened.map(({ fault }) => fault.kind));
  expect([...kinds].sort()).toEqual(LANE_NAMES.flatMap((lane) => LANES[lane].map((kind) => `${lane}: ${kind}`)).sort());
});

test('nobody died who was not killed', () => {
  expectNone(cluster.unexpectedDeaths);
});

test('what the database holds is whole and without contradiction', async () => {
  expectNone(await verifyDatabase(cluster));
});

test('every submission that was accepted ended as it should, and no other is there', async () => {
  expect(result.sent).toHaveLength(SUBMISSIONS);
  expectNone(await verifySubmissions(cluster, result.sent));
});

test('subscribers saw every event once, in order, over all connections', async () => {
  expect(result.sent.some(({ seen }) => seen !== null)).toBe(true);
  expectNone(await verifySeen(cluster, result.sent));
});

test('what the steps did agrees with what counts', async () => {
  expectNone(await verifyEffects(cluster));
});

test('every content that is named is there', async () => {
  expectNone(await verifyContents(cluster));
});

test('every slot of every worker is free again', async () => {
  const gate = await makeGate();
  const slots = cluster.nodes.filter((node) => node.kind === 'worker').length * CONCURRENCY;
  const ids = await Promise.all(
    Array.from({ length: slots }, () => cluster.stepcast.submit('hold', { gate: gate.folder })),
  );
  await gate.untilRuns(slots, REST_MS);
  await gate.open();
  await Promise.all(ids.map((id) => cluster.stepcast.untilState(id, ['SUCCEEDED'])));
  await gate.remove();
});

test('no process, guard or directory is left of what ran', async () => {
  await eventually('no command runs', async () => (await commandsOf(cluster)).length === 0, REST_MS);
  const living = cluster.nodes.filter((node) => node.kind === 'worker').map((node) => node.process.pid());
  await eventually(
    'each worker has one guard, and there is no other',
    async () => {
      const guards = (await guardsOf(cluster)).map(({ workerPid }) => workerPid);
      return JSON.stringify(guards.sort()) === JSON.stringify(living.sort());
    },
    REST_MS,
  );
  expectNone(await verifyFolders(cluster));
});
