import type { Work } from '../../src/engine/claim';
import { ended, type TestEngine } from './support';

/** How a report differs from one of success. */
export type Differently = Parameters<typeof ended>[2];

export const FAILING: Differently = { state: 'FAILED', exitCode: 1, message: 'It broke.' };

/**
 * Runs until nothing is ready: each step gives its name, but for what `differently` says. Returns the names of what ran,
 * in order.
 */
export async function runReady(
  engine: TestEngine,
  worker: string,
  differently: (work: Work) => Differently = () => ({}),
): Promise<string[]> {
  const ran: string[] = [];
  for (;;) {
    await engine.plan();
    const works = await engine.claim(worker, 500);
    if (works.length === 0) return ran;
    ran.push(...works.map((work) => work.name));
    await engine.complete(
      ...works.map((work) => ended(work, worker, { outputs: { out: work.name }, ...differently(work) })),
    );
  }
}
