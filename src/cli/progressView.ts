import { Format, MultiBar, type SingleBar, type GenericFormatter } from 'cli-progress';
import { isFinal, type Step, type SubmissionEvent } from './client/submissions';
import { elementCounter, isRound, tallyText } from './elementTally';

/** Shows how a submission goes. */
export interface ProgressView {
  event(event: SubmissionEvent): void;
  /** A line that stays above the bars. */
  note(line: string): void;
  close(): void;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly rows?: number;
}

const MAX_NAME = 28;
const BAR_CHARACTERS = 30;
/** Lines of the terminal that are left free below the bars. */
const FREE_ROWS = 3;
const DEFAULT_ROWS = 24;

/** A bar per step on a terminal that has room for them, plain lines elsewhere. */
export function progressView(steps: readonly Step[], output: Output & NodeJS.WritableStream): ProgressView {
  const fits = steps.length > 0 && steps.length <= (output.rows ?? DEFAULT_ROWS) - FREE_ROWS;
  return output.isTTY && fits ? barView(steps, output) : lineView(steps, (line) => void output.write(`${line}\n`));
}

/** One line for each start, end and reported progress of a step; elements of a scatter are counted. */
export function lineView(steps: readonly Pick<Step, 'name'>[], print: (line: string) => void): ProgressView {
  const width = nameWidth(steps);
  const started = new Map<string, number>();
  const count = elementCounter();
  return {
    event: (event) => {
      const { type, state, stepName, stepRunId, percent, message, at, attempt } = event;
      const tally = count(event);
      if (tally && (isRound(tally.done) || (state === 'FAILED' && isRound(tally.failed))))
        print(`  ${tally.step.padEnd(width)}  ${tallyText(tally)}`);
      if (tally !== undefined) return;
      const note = message === '' ? '' : `  ${message}`;
      if (stepName === null || stepRunId === null) {
        if (type === 'CANCEL_REQUESTED') print(`Cancelling${note}`);
        if (type === 'SUBMISSION_PAUSED') print(`Paused${note}`);
        if (type === 'SUBMISSION_UNPAUSED') print('It goes on');
        if (type === 'SUBMISSION_RESUMED') print(message);
        return;
      }
      const line = (text: string): void => print(`  ${stepName.padEnd(width)}  ${text}${note}`);
      if (type === 'STEP_PROGRESS') line(`${percent ?? 0} %`);
      if (type === 'ATTEMPT_LOST') line('its worker was lost');
      if (type !== 'STEP_STATE' || state === null) return;
      if (state === 'RUNNING') {
        started.set(stepRunId, Date.parse(at));
        line(attempt !== null && attempt > 1 ? `running (attempt ${attempt})` : 'running');
      } else if (isFinal(state) || state === 'RETRYING') {
        const since = started.get(stepRunId);
        line(`${state.toLowerCase()}${since === undefined ? '' : `  ${duration(Date.parse(at) - since)}`}`);
      }
    },
    note: print,
    close: () => undefined,
  };
}

/** A step that is to run, for the first time or again. */
const isWaiting = (state: string): boolean => state === 'PENDING' || state === 'QUEUED';

interface BarState {
  readonly name: string;
  readonly state: string;
  readonly note: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

function barView(steps: readonly Step[], output: NodeJS.WritableStream): ProgressView {
  const width = nameWidth(steps);
  const format: GenericFormatter = (options, { progress }, payload: BarState) => {
    const done = Format.BarFormat(progress, options);
    const took =
      payload.startedAt === undefined ? '' : duration((payload.endedAt ?? Date.now()) - payload.startedAt).padStart(7);
    const name = payload.name.slice(0, MAX_NAME).padEnd(width);
    return `  ${name}  ${done}  ${payload.state.toLowerCase().padEnd(9)} ${took}  ${payload.note}`.trimEnd();
  };
  const bars = new MultiBar({
    format,
    stream: output,
    hideCursor: true,
    linewrap: false,
    barsize: BAR_CHARACTERS,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    gracefulExit: false,
    emptyOnZero: true,
  });
  const byStep = new Map<string, { readonly bar: SingleBar; value: number; state: BarState }>();
  for (const { id, name } of steps) {
    const state: BarState = { name, state: 'PENDING', note: '' };
    byStep.set(id, { bar: bars.create(100, 0, state), value: 0, state });
  }
  const count = elementCounter();
  return {
    event: (event) => {
      const { type, stepRunId, state, percent, message, at } = event;
      const tally = count(event);
      const scatter = tally && [...byStep.values()].find((one) => one.state.name === tally.step);
      if (tally && scatter) {
        scatter.state = { ...scatter.state, note: tallyText(tally) };
        scatter.bar.update(scatter.value, scatter.state);
      }
      if (tally !== undefined) return;
      const shown = stepRunId === null ? undefined : byStep.get(stepRunId);
      if (!shown) return;
      if (type === 'STEP_PROGRESS') {
        shown.value = percent ?? shown.value;
        shown.state = { ...shown.state, note: message };
      } else if (type === 'STEP_STATE' && state !== null) {
        const time = Date.parse(at);
        if (state === 'SUCCEEDED') shown.value = 100;
        if (state === 'RUNNING') shown.value = 0;
        shown.state = {
          ...shown.state,
          state,
          note: message,
          ...(isWaiting(state) ? { startedAt: undefined, endedAt: undefined } : {}),
          ...(state === 'RUNNING' ? { startedAt: time, endedAt: undefined } : {}),
          ...(isFinal(state) || state === 'RETRYING' ? { endedAt: time } : {}),
        };
      }
      shown.bar.update(shown.value, shown.state);
    },
    note: (line) => bars.log(`${line}\n`),
    close: () => {
      bars.update();
      bars.stop();
    },
  };
}

function nameWidth(steps: readonly Pick<Step, 'name'>[]): number {
  return Math.min(MAX_NAME, Math.max(0, ...steps.map(({ name }) => name.length)));
}

/** `340 ms`, `12.3 s`, `4 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
