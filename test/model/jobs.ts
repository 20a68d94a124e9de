/** Random jobs: small graphs in which everything the engine can do meets everything else. */
import fc from 'fast-check';
import type { JobSpec, Link, PlainLink, Source, StepSpec } from '../../src/domain/definitions';
import { scalar, type ValueType } from '../../src/domain/values';
import { task } from '../engine/support';

const ANY = scalar('Any');

/** Joins what it gets into a text. */
export const WORK = { ...task('work', { inputs: ['x', 'y'], type: 'Any' }), missingOutput: 'CONTINUE' as const };
/** Gives a list of two values that follow from what it gets. */
export const LIST = { ...WORK, name: 'list' };

/** A job, and those that it runs. */
export interface Drawn {
  readonly job: JobSpec;
  readonly inner: readonly JobSpec[];
}

const MAX_DEPTH = 2;

interface Around {
  /** Names of earlier steps, and whether each has an exit code. */
  readonly earlier: readonly { readonly name: string; readonly hasExitCode: boolean }[];
  readonly inputs: readonly string[];
}

const pickOne = <T>(items: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...items);

function anySource({ earlier, inputs }: Around): fc.Arbitrary<Source> {
  const sources = [
    ...earlier.map(({ name }): Source => ({ kind: 'output', step: name, port: 'out' })),
    ...inputs.map((input): Source => ({ kind: 'input', input })),
  ];
  return pickOne(sources);
}

function anyMerge(around: Around): fc.Arbitrary<Extract<PlainLink, { kind: 'merge' }>> {
  return fc
    .record({
      sources: fc.array(anySource(around), { minLength: 1, maxLength: 3 }),
      how: fc.constantFrom('nested' as const, 'flat' as const),
      pick: fc.option(fc.constantFrom('first' as const, 'all' as const, 'only' as const), { nil: undefined, freq: 2 }),
    })
    .map(({ sources, how, pick }) => ({ kind: 'merge', sources, how, ...(pick ? { pick } : {}) }));
}

const CONSTANTS = ['a', 7, null, ['p', 'q', 'r'], [], ['s', null]] as const;

function anyPlain(around: Around): fc.Arbitrary<PlainLink> {
  return fc.oneof(
    { weight: 5, arbitrary: anySource(around) },
    { weight: 2, arbitrary: anyMerge(around) },
    { weight: 2, arbitrary: pickOne(CONSTANTS).map((value): PlainLink => ({ kind: 'value', value: value as never })) },
  );
}

function anyLink(around: Around): fc.Arbitrary<Link> {
  return fc.oneof(
    { weight: 6, arbitrary: anyPlain(around) },
    {
      weight: 1,
      arbitrary: fc
        .record({
          source: fc.option(anyPlain(around), { nil: null }),
          path: pickOne([['self'], ['inputs', 'y']] as const),
        })
        .map(({ source, path }): Link => ({ kind: 'expression', expression: { kind: 'reference', path }, source })),
    },
  );
}

/** Lists are what is scattered over, mostly: else nearly every job would fail. */
function anyList(around: Around, lists: readonly string[]): fc.Arbitrary<PlainLink> {
  const constant: fc.Arbitrary<PlainLink> = fc
    .array(fc.constantFrom('u', 'v', 'w'), { maxLength: 3 })
    .map((value) => ({ kind: 'value', value }));
  const given: fc.Arbitrary<PlainLink>[] = lists.length
    ? [pickOne(lists).map((step) => ({ kind: 'output', step, port: 'out' }))]
    : [];
  const all = anyMerge(around).map((link): PlainLink => ({
    kind: 'merge',
    sources: link.sources,
    how: link.how,
    pick: 'all',
  }));
  return fc.oneof(constant, ...given, ...given, all);
}

function anyWhen(around: Around): fc.Arbitrary<{ when?: StepSpec['when']; links: Record<string, Link> }> {
  const codes = around.earlier.filter(({ hasExitCode }) => hasExitCode);
  const byValue = fc.boolean().map((value) => ({
    when: { kind: 'expression' as const, expression: { kind: 'reference' as const, path: ['inputs', 'c'] } },
    links: { c: { kind: 'value' as const, value } },
  }));
  const byExit = codes.length
    ? [pickOne(codes).map(({ name }) => ({ when: { kind: 'exit' as const, step: name, exitCodes: [0] }, links: {} }))]
    : [];
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant({ links: {} }) },
    ...[byValue, ...byExit].map((arbitrary) => ({ weight: 1, arbitrary })),
  );
}

function anyJob(name: string, depth: number): fc.Arbitrary<Drawn> {
  return fc.integer({ min: 1, max: depth === 0 ? 6 : 3 }).chain((size) => {
    let all: fc.Arbitrary<{ steps: StepSpec[]; inner: JobSpec[]; lists: string[] }> = fc.constant({
      steps: [],
      inner: [],
      lists: [],
    });
    for (let index = 0; index < size; index += 1) all = all.chain((before) => anyStep(name, depth, index, before));
    return all.chain(({ steps, inner }) => {
      const around = aroundOf(steps);
      return fc
        .oneof(
          { weight: 3, arbitrary: anySource(around) },
          { weight: 1, arbitrary: anyMerge(around).map((link) => ({ ...link, pick: 'all' as const })) },
        )
        .map((source): Drawn => ({ job: jobOf(name, steps, source), inner }));
    });
  });
}

function aroundOf(steps: readonly StepSpec[]): Around {
  return {
    earlier: steps.map((step) => ({ name: step.name, hasExitCode: step.run.kind === 'task' && !step.scatter })),
    inputs: ['in'],
  };
}

function anyStep(
  job: string,
  depth: number,
  index: number,
  before: { steps: StepSpec[]; inner: JobSpec[]; lists: string[] },
): fc.Arbitrary<{ steps: StepSpec[]; inner: JobSpec[]; lists: string[] }> {
  const around = aroundOf(before.steps);
  const name = `s${index}`;
  const inner: fc.Arbitrary<Drawn | null> =
    depth < MAX_DEPTH ? fc.option(anyJob(`${job}-${name}`, depth + 1), { nil: null, freq: 3 }) : fc.constant(null);
  return fc
    .record({
      inner,
      isList: fc.boolean(),
      x: anyLink(around),
      y: fc.option(anyLink(around), { nil: undefined }),
      scatter: fc.option(fc.constantFrom('x', 'xy'), { nil: undefined, freq: 2 }),
      method: fc.constantFrom('dot' as const, 'flat' as const, 'nested' as const),
      listX: anyList(around, before.lists),
      listY: anyList(around, before.lists),
      after: fc.subarray(around.earlier.map((one) => one.name)),
      condition: anyWhen(around),
    })
    .map(({ inner: drawn, isList, x, y, scatter, method, listX, listY, after, condition }) => {
      // A nested job has the one input `in`.
      const first = drawn ? 'in' : 'x';
      const ports = scatter === 'xy' && !drawn ? ['x', 'y'] : scatter ? [first] : [];
      const links: Record<string, Link> = {
        [first]: ports.includes(first) ? listX : drawn ? readingIts(first, x) : x,
        ...(drawn ? {} : ports.includes('y') ? { y: listY } : y ? { y } : {}),
        ...condition.links,
      };
      const step: StepSpec = {
        name,
        run: drawn ? { kind: 'job', job: drawn.job.name } : { kind: 'task', task: isList ? 'list' : 'work' },
        links,
        after,
        ...(condition.when ? { when: condition.when } : {}),
        ...(ports.length > 0 ? { scatter: { ports, method } } : {}),
      };
      return {
        steps: [...before.steps, step],
        inner: [...before.inner, ...(drawn ? [...drawn.inner, drawn.job] : [])],
        lists: !drawn && isList && ports.length === 0 && !condition.when ? [...before.lists, name] : before.lists,
      };
    });
}

/** An expression reads only what its step is given: of a nested job, its one input. */
function readingIts(input: string, link: Link): Link {
  if (link.kind !== 'expression' || link.expression.kind !== 'reference' || link.expression.path[0] !== 'inputs')
    return link;
  return { ...link, expression: { kind: 'reference', path: ['inputs', input] } };
}

function jobOf(name: string, steps: readonly StepSpec[], source: JobSpec['outputs'][number]['source']): JobSpec {
  const type: ValueType = ANY;
  return {
    name,
    description: '',
    inputs: [{ name: 'in', description: '', type, validators: [] }],
    steps,
    outputs: [
      { name: 'out', description: '', type, source },
      // Every job uses its input.
      { name: 'given', description: '', type, source: { kind: 'input', input: 'in' } },
    ],
  };
}

/** Jobs with nested ones in them; each takes one value of any type, `in`. */
export const drawnJobs: fc.Arbitrary<Drawn> = anyJob('top', 0);
