/** Expected durations and estimates, as a client reads them. */
import { GATED_JOBS, makeGate, type Gate } from './support/gate';
import { startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

interface Read {
  readonly submission: {
    readonly state: string;
    readonly estimate: { readonly secondsLeft: number | null; readonly basis: string } | null;
    readonly job: {
      readonly expectedDuration: { readonly count: number; readonly p50: number } | null;
      readonly steps: readonly { readonly expectedDuration: { readonly count: number; readonly max: number } | null }[];
    };
  };
}
const READ = `query ($id: ID!) { submission(id: $id) {
  state estimate { secondsLeft basis }
  job { expectedDuration { count p50 } steps { expectedDuration { count max } } } } }`;

const HOUR = 3_600;

let stepcast: Stepcast;
let gate: Gate;
beforeAll(async () => {
  stepcast = await startStepcast();
  await stepcast.define(GATED_JOBS);
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);
beforeEach(async () => {
  gate = await makeGate();
});
afterEach(() => gate.remove());

const read = async (id: string) => (await stepcast.gql<Read>(READ, { id })).submission;

test('before the first success nothing is told; after it, what a run takes and how much of it is left', async () => {
  const first = await stepcast.submit('hold', { gate: gate.folder });
  await gate.untilRuns(1);
  const before = await read(first);
  expect(before.estimate).toEqual({ secondsLeft: null, basis: 'NO_HISTORY' });
  expect(before.job).toEqual({ expectedDuration: null, steps: [{ expectedDuration: null }] });
  await gate.open();
  await stepcast.untilState(first, ['SUCCEEDED']);
  expect((await read(first)).estimate).toBeNull();

  // As if it had taken an hour.
  for (const table of ['step_run', 'submission'])
    await stepcast.sql(`update ${table} set finished_at = started_at + make_interval(secs => $1)`, [HOUR]);
  const known = await eventually('the new run is counted', async () => {
    const { job } = await read(first);
    return job.expectedDuration && job;
  });
  expect(known).toMatchObject({ expectedDuration: { count: 1 }, steps: [{ expectedDuration: { count: 1 } }] });
  expect(known.expectedDuration?.p50).toBeCloseTo(HOUR);

  const shut = await makeGate();
  const second = await stepcast.submit('hold', { gate: shut.folder });
  await shut.untilRuns(1);
  const { estimate } = await read(second);
  expect(estimate?.basis).toBe('THIS_VERSION');
  expect(estimate?.secondsLeft).toBeGreaterThan(HOUR / 2);
  expect(estimate?.secondsLeft).toBeLessThanOrEqual(HOUR);
  await shut.open();
  await stepcast.untilState(second, ['SUCCEEDED']);
  await shut.remove();
});
