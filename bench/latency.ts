/** One no-op process at a time: from before the POST until the client has the Event that ends the Submission. */
import { quantile, withApp, type Bench } from './support';

const RUNS = 300;
const QUICK_RUNS = 50;
const WARM_UP = 100;
const REACH_MS = 12;

export const latency: Bench = {
  name: 'latency',
  run: ({ services, quick }) =>
    withApp(services, async ({ api }) => {
      const once = async (): Promise<{ submitted: number; ended: number }> => {
        const begin = performance.now();
        const id = await api.submit('bench-noop');
        const submitted = performance.now() - begin;
        const state = await api.ended(id);
        if (state !== 'SUCCEEDED') throw new Error(`A no-op ended as ${state}`);
        return { submitted, ended: performance.now() - begin };
      };
      for (let run = 0; run < WARM_UP; run += 1) await once();
      const runs: { submitted: number; ended: number }[] = [];
      for (let run = 0; run < (quick ? QUICK_RUNS : RUNS); run += 1) runs.push(await once());
      const ended = runs.map((run) => run.ended);
      const p50 = quantile(ended, 0.5);
      const answered = quantile(
        runs.map((run) => run.submitted),
        0.5,
      );
      return [
        {
          what: 'one /bin/true at a time, submit → last event at the client, p50',
          figure: `${p50.toFixed(1)} ms`,
          reach: `≤ ${REACH_MS} ms`,
          met: p50 <= REACH_MS,
          detail: `p95 ${quantile(ended, 0.95).toFixed(1)} ms; the POST itself ${answered.toFixed(1)} ms; ${runs.length} runs`,
        },
      ];
    }),
};
