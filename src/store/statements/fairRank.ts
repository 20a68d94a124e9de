/**
 * The place of a ready StepRun among those of its queue and priority: start-time fair queueing. Each submitter's steps
 * follow each other at equal distances, from where the queue stands at the moment, so that one who has just come is
 * among the next, however many steps others have waiting, and nobody falls behind for good.
 *
 * It costs three looks into an index for each submitter, queue and priority when steps become ready, and nothing when
 * they are taken.
 */

/**
 * SQL: after which rank the steps of `k.submitter` in the line of `k.queue`, `k.priority` and `k.lane` go on. The queue
 * stands at the rank of the next step or of the newest that runs: a next one that is kept back by a limit must not keep
 * the whole queue's clock back.
 */
export const RANK_BASE = `
  greatest(
    least(now(), greatest(
      (select h.rank_at from step_run h where h.state = 'QUEUED' and not h.held
         and h.queue = k.queue and h.priority = k.priority and h.lane = '' order by h.rank_at limit 1),
      (select h.rank_at from step_run h where h.state = 'RUNNING' and h.queue = k.queue and h.priority = k.priority
         order by h.rank_at desc limit 1))),
    (select h.rank_at from step_run h where h.state = 'QUEUED' and h.submitter = k.submitter
       and h.queue = k.queue and h.priority = k.priority and h.lane = k.lane order by h.rank_at desc limit 1))`;

/** SQL: the distance between two steps of one submitter. Only the order of ranks counts, so the smallest will do. */
export const RANK_STEP = `interval '1 microsecond'`;
