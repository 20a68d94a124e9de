/** One run of the suite: everybody sends while everything breaks, then all is mended and must come to rest. */
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../e2e/support/wait';
import { sendAll, type Sent } from './actors';
import type { Cluster } from './cluster';
import { carryOut } from './faults';
import { LANE_NAMES, type Lane, type PlannedFault, type Schedule } from './schedule';

/** A fault that was carried out, or could not be. */
export interface Happened {
  readonly lane: Lane;
  readonly fault: PlannedFault;
  readonly fromMs: number;
  readonly toMs: number;
  readonly outcome: { readonly fired: true; readonly what: string } | { readonly fired: false; readonly why: string };
}

export interface RunResult {
  readonly happened: readonly Happened[];
  readonly sent: readonly Sent[];
  /** From the last fault until all had ended. */
  readonly recoveryMs: number;
}

/** Generous: a machine that has other work as well is slow to run what is left. */
const REST_MS = 300_000;
const MAX_TOLD = 50;

export async function runSchedule(
  cluster: Cluster,
  schedule: Schedule,
  log: (line: string) => void,
): Promise<RunResult> {
  const began = Date.now();
  const happened: Happened[] = [];
  let over = false;
  const breakLane = async (lane: Lane): Promise<void> => {
    for (const fault of schedule.lanes[lane]) {
      await delay(fault.pauseMs);
      if (over) return;
      const fromMs = Date.now() - began;
      const outcome = await carryOut(cluster, fault).then(
        (what) => ({ fired: true as const, what }),
        (error: unknown) => ({ fired: false as const, why: error instanceof Error ? error.message : String(error) }),
      );
      happened.push({ lane, fault, fromMs, toMs: Date.now() - began, outcome });
      log(
        `${seconds(fromMs)}–${seconds(Date.now() - began)} s ${fault.kind}: ${outcome.fired ? outcome.what : `NOT FIRED: ${outcome.why}`}`,
      );
    }
  };
  const faults = LANE_NAMES.reduce((sum, lane) => sum + schedule.lanes[lane].length, 0);
  const sending = sendAll(cluster, schedule.submissions, {
    // Spread over the faults, however long they take on this machine: nothing breaks with nobody there.
    due: () => (happened.length >= faults ? 1 : (happened.length + LANE_NAMES.length) / (faults + LANE_NAMES.length)),
    isOver: () => over,
  });
  sending.catch(() => {
    over = true;
  });
  const [{ sent, followers }] = await Promise.all([sending, ...LANE_NAMES.map(breakLane)]);
  const quiet = Date.now();
  log(`${seconds(quiet - began)} s: ${sent.length} sent, ${happened.length} faults; all is mended`);
  try {
    await eventually(
      'every submission has ended, every message is sent and no worker is busy',
      async () => (await restless(cluster)).length === 0,
      REST_MS,
    ).catch(async () => log(`not everything came to rest:\n${(await restless(cluster)).join('\n')}`));
    const recoveryMs = Date.now() - quiet;
    log(`${seconds(Date.now() - began)} s: at rest`);
    await Promise.race([followers, delay(REST_MS / 4, null, { ref: false })]);
    return { happened, sent, recoveryMs };
  } finally {
    over = true;
  }
}

/** Some of what goes on, each in a line. */
async function restless({ stepcast }: Cluster): Promise<string[]> {
  const found = await stepcast.sql<{ what: string }>(
    `select concat_ws(' ', 'submission', s.id, s.job_name, s.state, 'paused', s.paused_at, 'waits for', (
         select string_agg(concat_ws(' ', r.name, r.kind, r.state, 'attempt', r.attempt, 'worker', r.worker_id,
           'retry at', r.ready_at, 'plan at', r.due_at), ', ') from step_run r
         where r.submission_id = s.id and r.state in ('PENDING', 'QUEUED', 'RUNNING', 'RETRYING'))) as what
       from submission s where s.state not in ('SUCCEEDED', 'FAILED', 'CANCELLED')
     union all select concat_ws(' ', 'message', id) from outbox
     union all select concat_ws(' ', 'worker', id, state, 'runs', running, 'heard of at', heartbeat_at, 'now', now())
       from worker where state in ('ALIVE', 'DRAINING') and running <> 0 limit ${MAX_TOLD}`,
  );
  return found.map(({ what }) => what);
}

const seconds = (milliseconds: number): string => (milliseconds / 1_000).toFixed(1);
