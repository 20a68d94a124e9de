/**
 * Tasks that compute their outputs inside the worker, without a process: many are taken at a time, and their ends are
 * recorded together.
 */
import { INLINE_QUEUE } from '../src/domain/compileJob';
import type { OutputPort, TaskSpec } from '../src/domain/definitions';
import { checkValue } from '../src/domain/typing';
import type { Value, Values } from '../src/domain/values';
import { groupBy } from '../src/engine/advance';
import { claim, type Work } from '../src/engine/claim';
import type { AttemptReport, EngineDependencies } from '../src/engine/complete';
import type { Evaluate, Evaluation } from '../src/engine/planner/compute';
import { blankReport, type Reporter } from './reports';
import { attemptKey } from './strays';

/** Computed tasks taken at a time; they take no slot. */
const BATCH = 1_000;

export interface InlineOptions {
  readonly engine: EngineDependencies;
  readonly evaluate: Evaluate;
  readonly reporter: Reporter;
  /** The worker's id, which may change. */
  readonly workerId: () => string;
  /** Everything between its claim and its recorded end. */
  readonly known: Set<string>;
  readonly onTrouble: (error: unknown) => void;
}

export interface InlineRunner {
  /** Takes and runs what is ready, until nothing is. */
  fill(): void;
  /** Takes nothing new; resolves when what was taken is recorded. */
  stop(): Promise<void>;
}

export function createInlineRunner(options: InlineOptions): InlineRunner {
  const { engine, reporter, known, onTrouble } = options;
  let running: Promise<void> | null = null;
  let again = false;
  let stopping = false;

  const runAll = async (works: readonly Work[], owner: string): Promise<void> => {
    for (const own of groupBy(works, (work) => JSON.stringify(work.task.command)).values()) {
      const reports = await computeReports(options.evaluate, own, owner);
      await Promise.all(reports.map((report) => reporter.report(report)));
    }
    for (const work of works) known.delete(attemptKey(work));
  };

  const run = async (): Promise<void> => {
    let recording: Promise<void> = Promise.resolve();
    try {
      do {
        again = false;
        const owner = options.workerId();
        const works = await claim(engine, owner, [INLINE_QUEUE], BATCH);
        for (const work of works) known.add(attemptKey(work));
        // The next batch is taken while this one is being recorded; never more than two are under way.
        await recording;
        recording = runAll(works, owner).catch(onTrouble);
        if (works.length > 0) again = true;
      } while (again && !stopping);
    } catch (error) {
      onTrouble(error);
    }
    await recording;
    running = null;
    if (again && !stopping) runner.fill();
  };

  const runner: InlineRunner = {
    fill: () => {
      again = true;
      if (!stopping) running ??= run();
    },
    stop: async () => {
      stopping = true;
      await running;
    },
  };
  return runner;
}

/** Evaluates Works of one Task, or of Tasks with the same expression. */
async function computeReports(evaluate: Evaluate, works: readonly Work[], owner: string): Promise<AttemptReport[]> {
  const [first] = works;
  if (first?.task.command.kind !== 'expression') return [];
  const sound = works.filter((work) => work.problems.length === 0);
  const results = await evaluate(
    first.task.command.expression,
    sound.map((work) => ({ inputs: work.values, step: { name: work.name } })),
  );
  const byWork = new Map(sound.map((work, index) => [work, results[index]]));
  return works.map((work): AttemptReport => {
    const blank = blankReport(work, owner);
    if (work.problems.length > 0) return { ...blank, message: work.problems.join(' ') };
    return { ...blank, ...outcomeOf(work.task, byWork.get(work)) };
  });
}

function outcomeOf(task: TaskSpec, result: Evaluation | undefined): Partial<AttemptReport> {
  if (!result) return { failure: 'EXPRESSION', message: 'The expression gave nothing.' };
  if (!result.ok) {
    const retryable = result.error.code === 'UNAVAILABLE';
    return { failure: retryable ? 'MACHINE' : 'EXPRESSION', retryable, message: result.error.message };
  }
  const { value } = result;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || 'class' in value)
    return {
      failure: 'BAD_OUTPUT',
      message: 'The expression did not give an object with a value for each output.',
    };
  return outputsOf(task, value as Values);
}

function outputsOf(task: TaskSpec, given: Values): Partial<AttemptReport> {
  const names = new Set(task.outputs.map(({ name }) => name));
  const strange = Object.keys(given).filter((name) => !names.has(name));
  const problems = [
    ...strange.map((name) => `The expression gave "${name}", which is no output of the task.`),
    ...task.outputs.flatMap((port) => faultsOf(task, port, given[port.name] ?? null)),
  ];
  if (problems.length > 0) return { failure: 'BAD_OUTPUT', message: problems.slice(0, MAX_PROBLEMS).join(' ') };
  const outputs = task.outputs.map((port): [string, Value] => [port.name, given[port.name] ?? null]);
  return { state: 'SUCCEEDED', failure: null, outputs: Object.fromEntries(outputs) };
}

/** An expression with more faults than this tells the first ones. */
const MAX_PROBLEMS = 5;

function faultsOf(task: TaskSpec, port: OutputPort, value: Value): string[] {
  if (value === null && task.missingOutput !== 'FAIL') return [];
  return checkValue(port.type, {}, value).map((reason) => `Output "${port.name}": ${reason}.`);
}
