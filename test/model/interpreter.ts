/**
 * What a job should do, told in the simplest way: from front to back, one thing after the other. It shares nothing with the
 * engine but the definitions.
 */
import type { JobSpec, Link, StepSpec } from '../../src/domain/definitions';
import type { Value } from '../../src/domain/values';

/** What one run of a task does. */
export type Outcome = { readonly out: Value; readonly exitCode: number } | 'fails';
export type RunTask = (path: string, task: string, x: Value, y: Value) => Outcome;

export interface Told {
  readonly ends: 'SUCCEEDED' | 'FAILED';
  readonly outputs: Readonly<Record<string, Value>>;
  /** Final states by path, when it succeeds; what else runs before a failure is a matter of luck. */
  readonly states: ReadonlyMap<string, 'SUCCEEDED' | 'SKIPPED'>;
}

class Fails extends Error {}

/** What a step gave: null when it was skipped. */
interface Given {
  readonly out: Value;
  readonly exitCode: number | null;
}

export function interpret(job: JobSpec, jobs: ReadonlyMap<string, JobSpec>, input: Value, runTask: RunTask): Told {
  const states = new Map<string, 'SUCCEEDED' | 'SKIPPED'>();
  try {
    return { ends: 'SUCCEEDED', outputs: runJob(job, input, ''), states };
  } catch (error) {
    if (!(error instanceof Fails)) throw error;
    return { ends: 'FAILED', outputs: {}, states };
  }

  function runJob(one: JobSpec, given: Value, path: string): Record<string, Value> {
    const done = new Map<string, Given | null>();
    for (const step of one.steps) done.set(step.name, runStep(step, given, done, `${path}${step.name}`));
    return Object.fromEntries(one.outputs.map(({ name, source }) => [name, follow(source, given, done)]));
  }

  function runStep(step: StepSpec, given: Value, done: Map<string, Given | null>, path: string): Given | null {
    const skipped = (): null => {
      states.set(path, 'SKIPPED');
      return null;
    };
    const { when, scatter } = step;
    if (when?.kind === 'exit') {
      const cause = done.get(when.step);
      if (!cause || cause.exitCode === null || !when.exitCodes.includes(cause.exitCode)) return skipped();
    }
    for (const port of scatter?.ports ?? []) {
      const link = step.links[port];
      if (link?.kind === 'output' && done.get(link.step) === null) return skipped();
    }
    const raw = Object.fromEntries(
      Object.entries(step.links).map(([port, link]) => [
        port,
        link.kind === 'expression'
          ? link.source
            ? follow(link.source, given, done)
            : null
          : follow(link, given, done),
      ]),
    );
    if (!scatter) {
      const ended = runOne(step, raw, path);
      if (ended === null) return skipped();
      states.set(path, 'SUCCEEDED');
      return ended;
    }
    const lists = scatter.ports.map((port) => {
      const list = raw[port] ?? null;
      if (!Array.isArray(list)) throw new Fails(`${path} has no list`);
      return list as readonly Value[];
    });
    let count = 0;
    const element = (values: readonly Value[]): Value => {
      const own = `${path}[${count}]`;
      count += 1;
      const inputs = {
        ...raw,
        ...Object.fromEntries(scatter.ports.map((port, place) => [port, values[place] ?? null])),
      };
      const ended = runOne(step, inputs, own);
      states.set(own, ended === null ? 'SKIPPED' : 'SUCCEEDED');
      return ended?.out ?? null;
    };
    const [first = [], second] = lists;
    let out: Value;
    if (!second) out = first.map((value) => element([value]));
    else if (scatter.method === 'dot') {
      if (first.length !== second.length) throw new Fails(`${path} has lists of two lengths`);
      out = first.map((value, index) => element([value, second[index] ?? null]));
    } else {
      const rows = first.map((value) => second.map((other) => element([value, other])));
      out = scatter.method === 'nested' ? rows : rows.flat();
    }
    states.set(path, 'SUCCEEDED');
    return { out, exitCode: null };
  }

  function runOne(step: StepSpec, raw: Readonly<Record<string, Value>>, path: string): Given | null {
    const read = (link: Link | undefined, port: string): Value => {
      if (link?.kind !== 'expression') return raw[port] ?? null;
      if (link.expression.kind !== 'reference') throw new Error('only references are drawn');
      return link.expression.path[0] === 'self' ? (raw[port] ?? null) : (raw[String(link.expression.path[1])] ?? null);
    };
    const values = Object.fromEntries(Object.keys(raw).map((port) => [port, read(step.links[port], port)]));
    if (step.when?.kind === 'expression' && values['c'] !== true) return null;
    if (step.run.kind === 'job') {
      const inner = jobs.get(step.run.job);
      if (!inner) throw new Error(`no job ${step.run.job}`);
      return { out: runJob(inner, values['in'] ?? null, `${path}/`)['out'] ?? null, exitCode: null };
    }
    const outcome = runTask(path, step.run.task, values['x'] ?? null, values['y'] ?? null);
    if (outcome === 'fails') throw new Fails(`${path} fails`);
    return outcome;
  }
}

function follow(
  link: Exclude<Link, { kind: 'expression' }>,
  given: Value,
  done: ReadonlyMap<string, Given | null>,
): Value {
  switch (link.kind) {
    case 'value':
      return link.value;
    case 'input':
      return given;
    case 'output':
      return done.get(link.step)?.out ?? null;
    case 'glob':
      throw new Error('no globs are drawn');
    case 'merge': {
      const values = link.sources.map((source) => follow(source, given, done));
      const list =
        link.how === 'flat' ? values.flatMap((value) => (Array.isArray(value) ? (value as Value[]) : [value])) : values;
      const present = list.filter((value) => value !== null);
      if (link.pick === undefined) return list;
      if (link.pick === 'all') return present;
      if (present.length === 0 || (link.pick === 'only' && present.length > 1)) throw new Fails('nothing to pick');
      return present[0] ?? null;
    }
  }
}
