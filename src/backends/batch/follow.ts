/** Follows one job from its submission to its end, by what its runner writes and what the scheduler says. */
import { join } from 'node:path';
import type { Resources } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import type { CommandExit, CommandHooks, StartedCommand } from '../backend';
import type { Canceller } from './canceller';
import type { Dialect, JobEnding, NativeJob } from './dialect';
import { askToStop, readEnd, readMachine, refresh } from './folder';
import { createPace } from './pace';
import type { Poller, Seen } from './poller';
import { needsScheduler, readJobEnd } from './readJobEnd';
import { WRITTEN_FILES } from './runner';
import type { RunnerEnd } from './runnerFiles';
import { tail } from './tail';

export interface FollowRequest {
  readonly dialect: Pick<Dialect<never>, 'title' | 'spell' | 'explainsExitCodes'>;
  /** The runner's folder. */
  readonly folder: string;
  readonly program: string;
  readonly resources: Resources;
  readonly timeLimitSeconds: number;
  /** Gives it to the scheduler; null when it was withdrawn before that. */
  readonly submit: (withdrawn: () => boolean) => Promise<NativeJob | null>;
  readonly poller: Poller;
  readonly canceller: Canceller;
  /** What the scheduler's books say of a job that is not among the states any more; null when nothing. */
  readonly lookUp: (job: NativeJob) => Promise<JobEnding | null>;
  readonly hooks: Pick<CommandHooks, 'note' | 'isOurs'>;
}

/** The runner's files are looked at soon while there is something new, and at the least once a second. */
const LOOKS = { firstMs: 50, slowestMs: 1_000 };
/** How long the runner's last word may take to arrive after the scheduler has told of the end, in milliseconds. */
const ARRIVAL_MS = 15_000;
/** The same when the scheduler ended the job: the runner may have had no time for a last word. */
const ARRIVAL_AFTER_KILL_MS = 3_000;
/** How long the scheduler's verdict on a failure is awaited, in milliseconds; then the runner's word counts alone. */
const VERDICT_MS = 60_000;
/** A job that has ended on its machine, and so long after waits in the queue again, was given up there. In milliseconds. */
const REQUEUED_MS = 5_000;
/** The books of some schedulers are written a while after the end, in milliseconds. */
const BOOKS_MS = 15_000;
/** A job that the scheduler did not know so many times in a row is gone. */
const FORGOTTEN_TIMES = 3;
/** Somebody holds the job back: worth a line in the log, since it may take long. */
const HELD = /held|maint|down|drain|reserv|begintime|dependency/i;
const NOTHING_RAN: CommandExit = { exitCode: null, signal: null, cpuMs: null, maxRssBytes: null };

export function follow(request: FollowRequest): StartedCommand {
  const { dialect, folder, poller, canceller, hooks, resources, timeLimitSeconds, program } = request;
  const pace = createPace(LOOKS);
  const began = signal();
  const endAsked = signal();
  let ending = false;
  let detached = false;
  let seen: Seen | null = null;
  let job: NativeJob | null = null;
  let runner: RunnerEnd | null = null;
  let over = false;

  const cancelJob = async (known: NativeJob): Promise<void> => {
    await askToStop(folder);
    const told = canceller.cancel(known);
    pace.quicken();
    await told;
    poller.soon();
  };

  const submitted = request.submit(() => ending || detached || !hooks.isOurs());

  async function live(): Promise<CommandExit> {
    // An end that is asked for before the scheduler has answered does not wait for the answer.
    await Promise.race([submitted.then((taken) => (job = taken)), endAsked.happened]);
    if (job === null) {
      submitted.then((late) => late && canceller.cancel(late)).catch(() => {});
      return NOTHING_RAN;
    }
    const named = `${dialect.title} job ${dialect.spell(job)}`;
    hooks.note(`${named}.`);
    const unwatch = poller.watch(job, (news) => {
      seen = news;
      pace.quicken();
    });
    try {
      return await untilEnd(job, named);
    } finally {
      unwatch();
    }
  }

  async function untilEnd(native: NativeJob, named: string): Promise<CommandExit> {
    const clocks = {
      verdict: clock(VERDICT_MS),
      books: clock(BOOKS_MS),
      requeued: clock(REQUEUED_MS),
      arrival: clock(ARRIVAL_MS),
      arrivalAfterKill: clock(ARRIVAL_AFTER_KILL_MS),
    };
    let machine: string | null = null;
    let told = '';
    const end = (scheduler: JobEnding | null): CommandExit =>
      readJobEnd({ title: named, runner, scheduler, program, resources, timeLimitSeconds });

    while (!detached) {
      const state: Seen | null = seen;
      if (machine === null && (machine = await readMachine(folder)) !== null) {
        hooks.note(`${named} runs on ${machine}.`);
        began.tell();
      }
      runner = await readEnd(folder);
      if (runner && (ending || !needsScheduler(runner, dialect.explainsExitCodes))) return end(null);
      switch (state?.phase) {
        case undefined:
        case 'running':
          break;
        case 'ended': {
          if (runner) return end(state.ending);
          const killed = ending || state.ending.kind !== 'exited';
          if ((ending && machine === null) || (killed ? clocks.arrivalAfterKill : clocks.arrival).isOver())
            return end(state.ending);
          await refresh(folder);
          break;
        }
        case 'forgotten': {
          if (!runner && !ending && state.times < FORGOTTEN_TIMES) {
            poller.soon();
            break;
          }
          const booked = ending ? null : await request.lookUp(native);
          if (booked || ending || clocks.books.isOver()) return end(booked);
          break;
        }
        case 'queued':
          if ((state.hopeless !== null && !ending) || (runner && clocks.requeued.isOver())) {
            void canceller.cancel(native);
            if (runner || state.hopeless === 'lost') return end({ kind: 'machine-lost' });
            throw new StepcastError('BAD_INPUT', `${named} would wait for ever: ${state.reason}.`);
          }
          if (state.reason !== told && HELD.test(state.reason)) hooks.note(`${named} waits: ${state.reason}.`);
          told = state.reason;
          break;
      }
      if (runner && clocks.verdict.isOver()) return end(null);
      if (runner || ending) poller.soon();
      await pace.next();
    }
    return new Promise<never>(() => {}); // nobody waits for it any more
  }

  const exited = live()
    .catch((error: unknown): CommandExit => {
      if (!(error instanceof StepcastError)) throw error;
      const kind = error.code === 'BAD_INPUT' ? 'NOT_STARTED' : 'MACHINE';
      return { ...NOTHING_RAN, failure: { kind, message: error.message } };
    })
    .finally(() => {
      over = true;
      pace.stop();
    });
  const stream = (name: 'stdout' | 'stderr') =>
    tail({
      path: join(folder, WRITTEN_FILES[name]),
      pace,
      final: () => (over ? { size: runner?.sizes?.[name] ?? null } : null),
    });

  return {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    exited,
    running: began.happened,
    end: () => {
      if (!ending) {
        ending = true;
        if (job) void cancelJob(job);
        endAsked.tell();
      }
      return exited;
    },
    detach: async () => {
      detached = true;
      pace.quicken();
      // What is being sent has an id then, and what was not sent never will be.
      await submitted.catch(() => {});
      pace.stop();
    },
  };
}

interface Signal {
  readonly happened: Promise<void>;
  tell(): void;
}

function signal(): Signal {
  let tell = (): void => {};
  const happened = new Promise<void>((resolve) => (tell = resolve));
  return { happened, tell };
}

/** Runs from the first time that it is looked at. */
function clock(milliseconds: number): { isOver(): boolean } {
  let dueAt: number | null = null;
  return {
    isOver: () => {
      dueAt ??= performance.now() + milliseconds;
      return performance.now() > dueAt;
    },
  };
}
