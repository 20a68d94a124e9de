/** Work for a fault that needs some: at the end of a run there may be none left. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from './cluster';

/** An API that is frozen, or waits for Postgres, answers late: who waits for that sees nothing of what runs meanwhile. */
const ANSWER_MS = 1_000;

/** Sends a job with commands that run for a while. Whether it arrives is nobody's business: it may be asked again. */
export async function provoke(cluster: Cluster): Promise<void> {
  const sent = cluster.stepcast.submit('family', { ledger: cluster.ledger, start: 0 }).catch(() => undefined);
  await Promise.race([sent, delay(ANSWER_MS, undefined, { ref: false })]);
}
