/** What holds of the database when all is quiet again, whatever broke: one sentence and one query of exceptions each. */

import { MAX_SCARCE } from './jobs';

export interface Invariant {
  readonly sentence: string;
  /** Finds what breaks it. */
  readonly exceptions: string;
}

const FINAL_SUBMISSION = `('SUCCEEDED', 'FAILED', 'CANCELLED')`;
const FINAL_STEP = `('SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED')`;

export const INVARIANTS: readonly Invariant[] = [
  {
    sentence: 'every submission has ended, and its counter of steps left is 0',
    exceptions: `select id, state, unfinished from submission where state not in ${FINAL_SUBMISSION} or unfinished <> 0
                 or finished_at is null`,
  },
  {
    sentence: 'every step of it has ended',
    exceptions: `select id, name, state from step_run where state not in ${FINAL_STEP}`,
  },
  {
    sentence: 'no work is noted for an attempt that is not there',
    exceptions: `select e.fingerprint from equal_work e left join attempt a
                 on a.step_run_id = e.step_run_id and a.number = e.attempt where a.number is null`,
  },
  {
    sentence: 'no attempt still runs',
    exceptions: `select step_run_id, number from attempt where state = 'RUNNING' or finished_at is null`,
  },
  {
    sentence: 'the attempts of a step are numbered from 1 without a gap, and the step names the last',
    exceptions: `select r.id, r.attempt from step_run r left join attempt a on a.step_run_id = r.id group by r.id, r.attempt
                 having count(a.number) <> r.attempt or coalesce(max(a.number), 0) <> r.attempt`,
  },
  {
    sentence: 'a step that succeeded has one attempt that did, its last; no other step has any',
    exceptions: `select r.id, r.state from step_run r left join attempt a on a.step_run_id = r.id
                 group by r.id, r.kind, r.state, r.attempt having
                 count(*) filter (where a.state = 'SUCCEEDED') <> (r.state = 'SUCCEEDED' and r.kind = 'TASK')::int
                 or bool_or(a.state = 'SUCCEEDED' and a.number <> r.attempt)`,
  },
  {
    sentence: 'the outputs of a step are those of the attempt that counts',
    exceptions: `select id, attempt, outputs from step_run where kind = 'TASK' and state = 'SUCCEEDED' and outputs ? 'stamp'
                 and outputs ->> 'stamp' <> id || '.' || attempt`,
  },
  {
    sentence: 'event numbers run from 1 without a gap, and the submission knows the last',
    exceptions: `select s.id, s.event_seq, count(e.seq) from submission s left join event e on e.submission_id = s.id
                 group by s.id having count(e.seq) <> s.event_seq or min(e.seq) <> 1 or max(e.seq) <> s.event_seq`,
  },
  {
    sentence: 'a submission tells its end once, in its last event, and that is the state it has',
    exceptions: `select s.id, s.state from submission s join event e on e.submission_id = s.id group by s.id having
                 count(*) filter (where e.type = 'SUBMISSION_STATE' and e.state in ${FINAL_SUBMISSION}) <> 1
                 or max(e.seq) filter (where e.type = 'SUBMISSION_STATE' and e.state = s.state) <> s.event_seq`,
  },
  {
    sentence: 'a step tells its end once, and nothing after it',
    exceptions: `select r.id, r.state from step_run r join event e on e.step_run_id = r.id group by r.id having
                 count(*) filter (where e.type = 'STEP_STATE' and e.state in ${FINAL_STEP}) <> 1
                 or max(e.seq) filter (where e.type = 'STEP_STATE' and e.state = r.state) <> max(e.seq)`,
  },
  {
    sentence: 'each attempt is told once, when it begins',
    exceptions: `select a.step_run_id, a.number from attempt a left join event e on e.step_run_id = a.step_run_id
                 and e.attempt = a.number and e.type = 'STEP_STATE' and e.state = 'RUNNING'
                 group by a.step_run_id, a.number having count(e.seq) <> 1`,
  },
  {
    sentence: 'a cancelled submission starts nothing after the cancel',
    exceptions: `select c.submission_id, e.seq from event c join event e on e.submission_id = c.submission_id and e.seq > c.seq
                 where c.type = 'CANCEL_REQUESTED' and e.type = 'STEP_STATE' and e.state in ('QUEUED', 'RUNNING', 'RETRYING')`,
  },
  {
    sentence: 'a paused submission starts nothing until it goes on',
    exceptions: `select p.submission_id, e.seq from event p join event e on e.submission_id = p.submission_id and e.seq > p.seq
                 where p.type = 'SUBMISSION_PAUSED' and e.type = 'STEP_STATE' and e.state = 'RUNNING' and e.attempt > 0
                 and not exists (select from event u where u.submission_id = p.submission_id
                   and u.type = 'SUBMISSION_UNPAUSED' and u.seq > p.seq and u.seq < e.seq)`,
  },
  {
    sentence: 'no step of a chain begins before the one it waits for has succeeded',
    exceptions: `select later.submission_id, later.step_name from event later
                 join submission s on s.id = later.submission_id and s.job_name in ('chain', 'retrying', 'family')
                 where later.type = 'STEP_STATE' and later.state = 'RUNNING' and later.step_name <> 's0'
                 and not exists (select from event e where e.submission_id = later.submission_id and e.type = 'STEP_STATE'
                   and e.step_name = 's' || substr(later.step_name, 2)::int - 1 and e.state = 'SUCCEEDED' and e.seq < later.seq)`,
  },
  {
    sentence: `never more than ${MAX_SCARCE} attempts of the limited step run at once, by what the database knows`,
    exceptions: `with change as (
                   select e.at, 1 as by from event e join step_run r on r.id = e.step_run_id where r.task_name = 'scarce'
                     and e.type = 'STEP_STATE' and e.state = 'RUNNING'
                   union all
                   select a.finished_at, -1 from attempt a join step_run r on r.id = a.step_run_id where r.task_name = 'scarce'
                 ) select at, running from (select at, sum(by) over (order by at, by) as running from change) as counted
                 where running > ${MAX_SCARCE}`,
  },
  {
    sentence: 'a scatter that succeeded has each of its elements once',
    exceptions: `select p.id, p.width, count(c.id) from step_run p left join step_run c on c.parent_id = p.id
                 where p.kind = 'SCATTER' and p.state = 'SUCCEEDED' group by p.id having count(c.id) <> p.width
                 or count(distinct c.scatter_index) <> p.width or p.expanded <> p.width
                 or coalesce(min(c.scatter_index), 0) <> 0 or coalesce(max(c.scatter_index), -1) <> p.width - 1`,
  },
  {
    sentence: 'nothing goes on below a scatter or a nested job that has ended, and it waits for nothing',
    exceptions: `select p.id, p.state, p.left_count, c.id as part from step_run p left join step_run c on c.parent_id = p.id
                 and c.state not in ${FINAL_STEP} where p.kind <> 'TASK' and p.state in ${FINAL_STEP}
                 and (c.id is not null or (p.state = 'SUCCEEDED' and p.left_count <> 0))`,
  },
  {
    sentence: 'what is above ends after all that is below it',
    exceptions: `select p.id, p.name from step_run p join step_run c on c.parent_id = p.id
                 join event pe on pe.step_run_id = p.id and pe.type = 'STEP_STATE' and pe.state = 'SUCCEEDED'
                 join event ce on ce.step_run_id = c.id and ce.type = 'STEP_STATE' and ce.state = 'SUCCEEDED'
                 where p.state = 'SUCCEEDED' and ce.seq > pe.seq`,
  },
  {
    sentence: 'nothing that has ended is to be planned',
    exceptions: `select id, name, state from step_run where due_at is not null and state in ${FINAL_STEP}`,
  },
  {
    sentence: 'the pieces of a log follow each other without a gap and without a double',
    exceptions: `select step_run_id, start_byte from (select step_run_id, start_byte, coalesce(lag(start_byte + length(data))
                 over (partition by step_run_id order by start_byte), 0) as expected from log_chunk) as piece
                 where start_byte <> expected`,
  },
  {
    sentence: 'a step that is lost fails only after three workers that died on it',
    exceptions: `select r.id, r.lost from step_run r left join attempt a on a.step_run_id = r.id and a.state = 'LOST'
                 group by r.id having r.lost > count(a.number) or r.lost > 3 or (r.message like 'Its worker died%' and r.lost <> 3)`,
  },
  {
    sentence: 'no worker that lives believes that it runs something',
    exceptions: `select id, running from worker where state in ('ALIVE', 'DRAINING') and running <> 0`,
  },
  {
    sentence: 'nothing is left to be sent',
    exceptions: `select id from outbox`,
  },
];
