/** Whether this process lives, and what keeps it from answering. */
import { Router } from 'express';
import type { Services } from '../context';

/** `/healthz` answers while the process lives; `/readyz` gives 503 with the problems while there are some. */
export function readinessRouter(problemsOf: () => Promise<string[]>): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const problems = await problemsOf();
    const ready = problems.length === 0;
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', problems });
  });
  return router;
}

/** Each in a few words; nothing when it is ready. */
export async function unreadiness({ db }: Services, redisReady: boolean): Promise<string[]> {
  const problems = redisReady ? [] : ['Redis does not answer'];
  try {
    await db.query({ name: 'ready', text: 'select 1' });
  } catch {
    problems.push('Postgres does not answer');
  }
  return problems;
}
