/** What keeps this process from answering. */
import type { Services } from '../context';

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
