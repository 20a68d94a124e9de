/** Many steps of `/bin/true`: from before the first POST until the API says that every Submission has ended. */
import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { childProcess, rate } from './spawn';
import { WIDE_STEPS, withApp, type App, type Bench } from './support';

const SUBMISSIONS = 250;
const QUICK_SUBMISSIONS = 40;
const WARM_UP = 25;
const CALLS = 5;
const POLL_MS = 25;
const REACH_PER_SECOND = 300;

const BATCH = `mutation ($items: [SubmitJobInput!]!, $label: String) {
  submitBatch(input: { items: $items, label: $label }) { batch { id } userErrors { message } }
}`;
const OPEN = 'query { submissions(first: 1, states: [QUEUED, RUNNING]) { nodes { id } } }';

async function run({ api }: App, submissions: number): Promise<number> {
  const begin = performance.now();
  for (let call = 0; call < CALLS; call += 1) {
    const items = Array.from({ length: Math.ceil(submissions / CALLS) }, () => ({ job: 'bench-wide' }));
    const { submitBatch } = await api.call<{ submitBatch: { userErrors: { message: string }[] } }>(BATCH, { items });
    const [error] = submitBatch.userErrors;
    if (error) throw new Error(error.message);
  }
  while ((await api.call<{ submissions: { nodes: unknown[] } }>(OPEN)).submissions.nodes.length > 0)
    await delay(POLL_MS);
  return (Math.ceil(submissions / CALLS) * CALLS * WIDE_STEPS) / ((performance.now() - begin) / 1_000);
}

export const throughput: Bench = {
  name: 'throughput',
  run: async ({ services, quick }) => {
    const submissions = quick ? QUICK_SUBMISSIONS : SUBMISSIONS;
    const measured = await withApp(services, async (app) => {
      await run(app, WARM_UP);
      return run(app, submissions);
    });
    const given = Number(process.env['STEPCAST_CONCURRENCY']);
    const concurrency = given > 0 ? given : cpus().length * 2;
    const bare = await rate(concurrency, childProcess);
    return [
      {
        what: 'steps of /bin/true, end to end, one worker',
        figure: `${measured.toFixed(0)} /s`,
        reach: `≥ ${REACH_PER_SECOND} /s`,
        met: measured >= REACH_PER_SECOND,
        detail: `${submissions * WIDE_STEPS} steps, ${WIDE_STEPS} in parallel per submission, the worker runs ${concurrency} at once`,
      },
      {
        what: 'the same, against bare child_process of Node',
        figure: `${(measured / bare).toFixed(2)} ×`,
        reach: 'told',
        met: null,
        detail: `bare spawning: ${bare} /s, ${concurrency} at once`,
      },
    ];
  },
};
