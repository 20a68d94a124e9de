/** One scatter of computed steps, from 10 to 100,000 elements: what a step costs must not depend on how many there are. */
import { setTimeout as delay } from 'node:timers/promises';
import { peakRss } from './memory';
import { countStatements, withStatementCounts, type StatementCounter } from './statements';
import { startServices, withApp, type App, type Bench, type Row } from './support';

const SIZES = [10, 100, 1_000, 10_000, 100_000];
const QUICK_SIZES = [10, 100, 1_000];
const CANCEL_SIZE = 100_000;
const WORKERS = 2;
const POLL_MS = 20;
/** Small runs are repeated until so many steps have run: one alone is over before it can be measured. */
const LEAST_STEPS = 5_000;
const REACH_PER_SECOND = 3_000;
const SUBMIT_REACH_MS = 1_000;
const CANCEL_REACH_MS = 5_000;

const SUBMIT = `mutation ($input: SubmitJobInput!) {
  submitJob(input: $input) { submission { id } userErrors { message } }
}`;
const CANCEL = `mutation ($id: ID!) { cancelSubmission(input: { id: $id }) { userErrors { message } } }`;
const STATE = 'query ($id: ID!) { submission(id: $id) { state } }';

interface Measured {
  readonly size: number;
  readonly perSecond: number;
  readonly submitMs: number;
  readonly statementsPerStep: number;
  readonly megabytes: readonly number[];
}

async function submit({ api }: App, size: number): Promise<{ id: string; ms: number }> {
  const numbers = Array.from({ length: size }, (_, index) => index);
  const begin = performance.now();
  const { submitJob } = await api.call<{
    submitJob: { submission: { id: string } | null; userErrors: { message: string }[] };
  }>(SUBMIT, { input: { job: 'bench-scatter', inputs: { numbers } } });
  const ms = performance.now() - begin;
  if (!submitJob.submission) throw new Error(submitJob.userErrors[0]?.message ?? 'refused');
  return { id: submitJob.submission.id, ms };
}

async function untilEnd({ api }: App, id: string, wanted: string): Promise<void> {
  for (;;) {
    const { submission } = await api.call<{ submission: { state: string } }>(STATE, { id });
    if (submission.state === wanted) return;
    if (['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(submission.state))
      throw new Error(`The submission ended as ${submission.state}`);
    await delay(POLL_MS);
  }
}

async function measure(app: App, statements: StatementCounter, size: number): Promise<Measured> {
  const rounds = Math.max(1, Math.ceil(LEAST_STEPS / size / 10));
  const before = await statements.count();
  let submitMs = 0;
  const begin = performance.now();
  const { peaks } = await peakRss([app.apiPid, ...app.workerPids], async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { id, ms } = await submit(app, size);
      submitMs = Math.max(submitMs, ms);
      await untilEnd(app, id, 'SUCCEEDED');
    }
  });
  const seconds = (performance.now() - begin) / 1_000;
  const asked = (await statements.count()) - before;
  return {
    size,
    perSecond: (size * rounds) / seconds,
    submitMs,
    statementsPerStep: asked / (size * rounds),
    megabytes: peaks.map((bytes) => bytes / 2 ** 20),
  };
}

async function measureCancel(app: App, size: number): Promise<number> {
  const { id } = await submit(app, size);
  await delay(1_000);
  const begin = performance.now();
  const { cancelSubmission } = await app.api.call<{ cancelSubmission: { userErrors: { message: string }[] } }>(CANCEL, {
    id,
  });
  if (cancelSubmission.userErrors[0]) throw new Error(cancelSubmission.userErrors[0].message);
  await untilEnd(app, id, 'CANCELLED');
  return performance.now() - begin;
}

export const scale: Bench = {
  name: 'scale',
  run: async ({ quick }) => {
    const services = await withStatementCounts(await startServices());
    try {
      return await withApp(
        services,
        async (app) => {
          const statements = await countStatements(services.databaseUrl);
          const sizes = quick ? QUICK_SIZES : SIZES;
          await measure(app, statements, 1_000);
          const measured: Measured[] = [];
          for (const size of sizes) measured.push(await measure(app, statements, size));
          const cancelMs = await measureCancel(app, CANCEL_SIZE);
          await statements.close();
          return rowsOf(measured, cancelMs);
        },
        { STEPCAST_MAX_BODY_BYTES: String(8 * 2 ** 20) },
        WORKERS,
      );
    } finally {
      await services.stop();
    }
  },
};

function rowsOf(measured: readonly Measured[], cancelMs: number): Row[] {
  const largest = measured.at(-1);
  const last = largest?.size ?? 0;
  return [
    ...measured.map(({ size, perSecond, statementsPerStep, megabytes, submitMs }): Row => {
      const isLast = size === last;
      return {
        what: `scatter of ${size} computed steps, two workers`,
        figure: `${perSecond.toFixed(0)} /s, ${(1e6 / perSecond).toFixed(0)} µs and ${statementsPerStep.toFixed(3)} statements a step`,
        reach: isLast ? `≥ ${REACH_PER_SECOND} /s` : 'told',
        met: isLast ? perSecond >= REACH_PER_SECOND : null,
        detail: `submit answered in ${submitMs.toFixed(0)} ms; API, workers at most ${megabytes.map((one) => one.toFixed(0)).join(', ')} MB`,
      };
    }),
    {
      what: `answer to submitting ${last} elements`,
      figure: `${(largest?.submitMs ?? NaN).toFixed(0)} ms`,
      reach: `< ${SUBMIT_REACH_MS} ms`,
      met: (largest?.submitMs ?? Infinity) < SUBMIT_REACH_MS,
      detail: '',
    },
    {
      what: `cancel of ${CANCEL_SIZE} elements, to the last event`,
      figure: `${cancelMs.toFixed(0)} ms`,
      reach: `< ${CANCEL_REACH_MS} ms`,
      met: cancelMs < CANCEL_REACH_MS,
      detail: 'asked one second after the submit',
    },
  ];
}
