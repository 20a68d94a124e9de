/** Faults of Postgres and Redis themselves, and of what Redis carries. */
import BeeQueue from 'bee-queue';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './faults';
import { patiently } from './patiently';
import { provoke } from './provoke';
import { seededRandom } from './random';

const DOORBELLS = 200;

const killPostgres: Fault = async ({ cluster, between }) => {
  const pid = cluster.postgres.pid();
  await cluster.postgres.kill();
  await delay(between(0, 2_500));
  await cluster.postgres.restart();
  if (cluster.postgres.pid() === pid) throw new Error('Postgres lives on');
  return `process ${pid}, back as ${cluster.postgres.pid()}`;
};

const terminate: Fault = async ({ cluster }) => {
  const ended = await patiently('there are sessions to end', async () => {
    const rows = await cluster.stepcast
      .sql<{ ended: number }>(
        `select count(*) filter (where pg_terminate_backend(pid))::int as ended from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      )
      .catch(() => []);
    return (rows[0]?.ended ?? 0) > 0 ? rows[0]?.ended : null;
  });
  return `${ended} sessions`;
};

const killRedis: Fault = async ({ cluster, between }) => {
  const pid = cluster.redis.pid();
  await cluster.redis.kill();
  await delay(between(0, 3_000));
  await cluster.redis.restart();
  if (cluster.redis.pid() === pid) throw new Error('Redis lives on');
  return `process ${pid}, back as ${cluster.redis.pid()}, with nothing`;
};

const flushRedis: Fault = async ({ cluster }) => {
  const keys = await patiently('Redis holds something', async () => {
    const count = await cluster.redis.flushAll();
    if (count === 0) await provoke(cluster);
    return count > 0 ? count : null;
  });
  return `${keys} keys`;
};

/** Messages of all that is queued or was, once more and in another order, and some about nothing. */
const ringAgain: Fault = async ({ cluster, fault }) => {
  const steps = await patiently('Postgres answers', () =>
    cluster.stepcast
      .sql<{ id: string; attempt: number }>(`select id, attempt from step_run order by id desc limit $1`, [DOORBELLS])
      .catch(() => null),
  );
  const messages = [...steps, ...steps].map(({ id, attempt }) => ({ stepRunId: id, attempt }));
  const nonsense = { stepRunId: '999999999', attempt: 1 };
  const shuffled = seededRandom(fault.target * 2 ** 32).shuffled([...messages, nonsense]);
  const queue = new BeeQueue<{ stepRunId: string; attempt: number }>('stepcast-local-normal', {
    redis: { url: cluster.redis.url },
    isWorker: false,
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: true,
  });
  queue.on('error', () => undefined);
  try {
    await queue.ready();
    await queue.saveAll(shuffled.map((message) => queue.createJob(message)));
  } finally {
    await queue.close();
  }
  return `${shuffled.length} messages`;
};

export const serviceFaults = {
  'postgres: kill': killPostgres,
  'postgres: terminate': terminate,
  'redis: kill': killRedis,
  'redis: flush': flushRedis,
  'redis: doorbells': ringAgain,
} as const;
