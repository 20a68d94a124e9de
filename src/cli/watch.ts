import type { Api } from './client/api';
import { EXIT, type ExitCode } from './client/commandError';
import { logTail } from './client/stepLog';
import { exitCodeOf, followEvents, isFinal, readFailures, readSteps, readSubmission } from './client/submissions';
import { readWaits } from './client/waits';
import { duration, progressView, type ProgressView } from './progressView';
import type { Terminal } from './terminal';

const TAIL_LINES = 20;
/** Failed steps whose logs are shown. */
const MAX_FAILURES = 5;
/** When nothing happens for so long, it is asked why. */
const QUIET_MS = 3_000;
const ASK_AGAIN_MS = 15_000;

export interface WatchOptions {
  readonly api: Api;
  readonly terminal: Terminal;
  /** Each event and at last the submission as a line of JSON, instead of bars. */
  readonly json?: boolean;
  /** Follow until this says to leave; the submission goes on. */
  readonly signal?: AbortSignal;
}

/** Follows a submission to its end and returns the exit code that tells how it ended. Throws CommandError. */
export async function watch(id: string, options: WatchOptions): Promise<ExitCode> {
  const { api, terminal, json, signal } = options;
  const view = json ? jsonView(terminal) : progressView(await readSteps(api, id), terminal.out);
  let state: string | null = null;
  const waits = json ? undefined : tellWaits(id, api, view);
  try {
    const events = followEvents(api, id, {
      signal,
      onLost: () => view.note('The connection is lost; trying again …'),
      onBack: () => view.note('Connected again.'),
    });
    for await (const event of events) {
      view.event(event);
      waits?.happened();
      if (event.type === 'SUBMISSION_STATE') state = event.state;
    }
  } finally {
    waits?.stop();
    view.close();
  }
  if (!isFinal(state) || state === null) {
    terminal.hint(`\nThe submission goes on without you. Follow it again: stepcast watch ${id}`);
    terminal.hint(`Cancel it: stepcast cancel ${id}`);
    return EXIT.cancelled;
  }
  await tellEnd(id, state, options);
  return exitCodeOf(state);
}

/** Tells why ready steps do not start while nothing happens; each reason once. */
function tellWaits(id: string, api: Api, view: ProgressView): { happened(): void; stop(): void } {
  const told = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const lookAfter = (milliseconds: number): void => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => void look(), milliseconds);
  };
  const look = async (): Promise<void> => {
    // The events tell when the server is gone; a reason that cannot be asked for is asked for later.
    const reasons = await readWaits(api, id).catch(() => new Map<string, string>());
    for (const [reason, step] of stopped ? [] : reasons) {
      if (!told.has(reason)) view.note(`  ${step} waits: ${reason}`);
      told.add(reason);
    }
    lookAfter(ASK_AGAIN_MS);
  };
  lookAfter(QUIET_MS);
  return {
    happened: () => lookAfter(QUIET_MS),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function tellEnd(id: string, state: string, { api, terminal, json }: WatchOptions): Promise<void> {
  const submission = await readSubmission(api, id);
  if (json) {
    terminal.print(JSON.stringify(submission));
    return;
  }
  const { startedAt, finishedAt, createdAt, message } = submission;
  const took =
    finishedAt === null ? '' : ` after ${duration(Date.parse(finishedAt) - Date.parse(startedAt ?? createdAt))}`;
  if (state === 'FAILED') await tellFailures(id, api, terminal);
  terminal.print(`${state}${took}${message === '' ? '.' : `: ${message}`}`);
  if (state === 'SUCCEEDED') terminal.hint(`Fetch the results: stepcast results ${id} -o DIR`);
}

async function tellFailures(id: string, api: Api, terminal: Terminal): Promise<void> {
  const failures = await readFailures(api, id);
  for (const step of failures.slice(0, MAX_FAILURES)) {
    terminal.print(`\nStep ${step.name} failed: ${step.message}`);
    const tail = await logTail(api, step.id, TAIL_LINES);
    if (tail.length > 0) terminal.print(`The end of its log (all of it: stepcast logs ${step.id}):`);
    for (const line of tail) terminal.print(`  ${line}`);
    terminal.print('');
  }
  if (failures.length > MAX_FAILURES) terminal.print(`${failures.length - MAX_FAILURES} more failed.\n`);
}

function jsonView(terminal: Terminal): ProgressView {
  return {
    event: (event) => terminal.print(JSON.stringify(event)),
    note: (line) => terminal.hint(line),
    close: () => undefined,
  };
}
