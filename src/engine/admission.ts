/** Whether a submitter may have more open submissions, and at which priority. */
import { admittedPriority, retryAfterSeconds, tooMany, type AdmissionLimits } from '../domain/admission';
import { UserErrors } from '../domain/errors';
import type { Priority } from '../domain/states';
import type { Sql } from '../store/database';
import { openCount, recentEnds } from '../store/statements/admission';

/**
 * The priorities at which new submissions of the submitter are admitted, in the order of `asked`. Throws UserErrors with
 * the time after which it is worth another try when they would be too many. It is a bound and not a promise: calls at the
 * same moment do not see each other.
 */
export async function admitSubmissions(
  sql: Sql,
  limits: AdmissionLimits,
  submitter: string,
  asked: readonly Priority[],
): Promise<Priority[]> {
  const furthest = Math.max(limits.lowerBeyond ?? 0, limits.refuseBeyond ?? 0);
  if (furthest === 0) return [...asked];
  const open = await openCount(sql, submitter, furthest);
  const excess = tooMany(open, asked.length, limits);
  if (excess === 0) return asked.map((priority, index) => admittedPriority(priority, open + index, limits));
  const seconds = retryAfterSeconds(excess, await recentEnds(sql, submitter));
  const more = asked.length === 1 ? 'one more' : `${asked.length} more`;
  throw new UserErrors([
    {
      code: 'LIMIT_EXCEEDED',
      message: `You have ${open} open submissions, and ${more} would pass the limit of ${limits.refuseBeyond ?? open}. Try again in ${seconds} s, when some should have ended.`,
      field: ['input'],
      retryAfterSeconds: seconds,
    },
  ]);
}
