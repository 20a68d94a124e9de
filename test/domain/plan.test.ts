import fc from 'fast-check';
import { compileJob } from '../../src/domain/compileJob';
import type { JobSpec, Link, StepSpec, TaskSpec } from '../../src/domain/definitions';
import { ancestorsOf, orderSteps } from '../../src/domain/graph';
import { checkedInputs, linkedValues, type Lookup } from '../../src/domain/resolveInputs';
import { libraryOf } from '../../src/engine/plans';
import { optionalType, scalar } from '../../src/domain/values';
import type { FileValue, Values, ValueType } from '../../src/domain/values';

const file = (name: string): FileValue => ({
  class: 'File',
  name,
  sha256: name.padEnd(64, '0').replace(/[^0-9a-f]/g, 'a'),
  size: 1,
  mediaType: 'text/plain',
});

describe('the order of steps', () => {
  it('every step comes after all it waits for, once, whatever the order they are written in', () => {
    const graph = fc.integer({ min: 1, max: 25 }).chain((size) =>
      fc.tuple(
        fc.tuple(
          ...Array.from({ length: size }, (_, index) =>
            fc.uniqueArray(fc.nat({ max: Math.max(0, index - 1) }), { maxLength: index }),
          ),
        ),
        fc.shuffledSubarray(
          Array.from({ length: size }, (_, index) => index),
          { minLength: size, maxLength: size },
        ),
      ),
    );
    fc.assert(
      fc.property(graph, ([edges, shuffled]) => {
        const steps = shuffled.map((index) =>
          step(
            `s${index}`,
            (edges[index] ?? []).map((earlier) => `s${earlier}`),
          ),
        );
        const order = orderSteps(steps);
        expect(order.ok && [...order.order].sort((a, b) => a - b)).toEqual(steps.map((_, index) => index));
        const names = order.ok ? order.order.map((index) => steps[index]?.name ?? '') : [];
        for (const { name, after } of steps)
          for (const earlier of after) expect(names.indexOf(earlier)).toBeLessThan(names.indexOf(name));
      }),
    );
  });

  it.each([
    [{ a: ['a'] }, ['a', 'a']],
    [{ a: ['c'], b: ['a'], c: ['b'], d: ['c'] }, ['a', 'b', 'c', 'a']],
  ])('a cycle is named by its steps: %j', (edges, cycle) => {
    const order = orderSteps(Object.entries(edges).map(([name, after]) => step(name, after)));
    expect(order.ok ? [] : order.cycle).toEqual(cycle);
  });

  it('ancestors reach through any number of steps', () => {
    const steps = [step('a', []), step('b', ['a']), step('c', ['b']), step('d', [])];
    expect([...ancestorsOf(['c'], steps)].sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('a plan', () => {
  it('knows for each step what it waits for and what waits for it', () => {
    const steps = [step('a', []), step('b', ['a']), step('c', ['a']), step('d', ['b', 'c', 'a'])];
    const plan = compileJob(job(steps), libraryOf([task(scalar('Any'))], []));
    expect(plan.nodes.map(({ predecessors, successors }) => [predecessors, successors])).toEqual([
      [[], [1, 2, 3]],
      [[0], [3]],
      [[0], [3]],
      [[0, 1, 2], []],
    ]);
  });
});

describe('the values of a step', () => {
  const outputs: readonly (Values | null)[] = [{ o: file('1.txt') }, { o: [file('2.txt'), file('3.txt')] }, null];

  it.each([
    ['an input of the job', scalar('File'), { kind: 'input', input: 'f' }, file('0.txt')],
    ['an output', scalar('File'), { kind: 'output', step: 's0', port: 'o' }, file('1.txt')],
    ['a constant', scalar('int'), { kind: 'value', value: 3 }, 3],
    ['null from a skipped step', optionalType(scalar('File')), { kind: 'output', step: 's2', port: 'o' }, null],
    [
      'by glob, the latest step first',
      scalar('File'),
      { kind: 'glob', glob: '*.txt', steps: ['s0', 's1', 's2'], inputs: true },
      file('2.txt'),
    ],
    [
      'by glob, the upload last',
      scalar('File'),
      { kind: 'glob', glob: '0.*', steps: ['s0', 's1'], inputs: true },
      file('0.txt'),
    ],
    ['nothing, when nothing is linked', optionalType(scalar('File')), undefined, null],
  ] as [string, ValueType, Link | undefined, unknown][])('%s', (_, type, link, value) => {
    expect(resolved(type, link)).toEqual({ values: { p: value }, problems: [] });
  });

  it.each([
    [scalar('File'), { kind: 'glob', glob: '*.csv', steps: ['s0'], inputs: true }, 'no earlier file matches "*.csv"'],
    [scalar('File'), { kind: 'output', step: 's2', port: 'o' }, 'has no value'],
    [scalar('int'), { kind: 'value', value: 'x' }, 'expected int, got the text "x"'],
  ] as [ValueType, Link, string][])('%j from %j is a problem', (type, link, message) => {
    expect(resolved(type, link).problems.join()).toContain(message);
  });

  function resolved(type: ValueType, link: Link | undefined) {
    const steps = [
      ...[0, 1, 2].map((index) => step(`s${index}`, [])),
      { ...step('last', []), run: { kind: 'task', task: 'u' }, links: link ? { p: link } : {} } as StepSpec,
    ];
    const plan = compileJob(job(steps), libraryOf([task(), { ...task(type), name: 'u' }], []));
    const node = plan.nodes[3];
    if (!node) throw new Error('no node');
    const lookup: Lookup = (ref) => {
      if (ref.kind === 'input') return file('0.txt');
      if (ref.kind === 'inputs') return { f: file('0.txt') };
      const own = outputs[ref.node] ?? null;
      return ref.kind === 'outputs' ? own : (own?.[ref.port] ?? null);
    };
    const linked = linkedValues(node, lookup);
    const { values, problems } = checkedInputs(node, linked.values);
    return { values, problems: [...linked.problems, ...problems] };
  }
});

function step(name: string, after: readonly string[]): StepSpec {
  return { name, run: { kind: 'task', task: 't' }, links: {}, after };
}

function job(steps: readonly StepSpec[]): JobSpec {
  return {
    name: 'j',
    description: '',
    inputs: [{ name: 'f', description: '', type: scalar('File'), validators: [] }],
    steps,
    outputs: [],
  };
}

function task(type?: ValueType): TaskSpec {
  return {
    name: 't',
    description: '',
    backend: 'local',
    inputs: type ? [{ name: 'p', description: '', type }] : [],
    parameters: [],
    outputs: [{ name: 'o', description: '', type: scalar('Any'), from: 'glob', glob: '*', path: '$ID', read: 'file' }],
    command: { kind: 'argv', argv: [] },
    environment: {},
    exitRules: { success: [0], temporary: [], terminate: [] },
    missingOutput: 'FAIL',
    retry: { maxAttempts: 1, initialDelaySeconds: 1, maxDelaySeconds: 1, factor: 2 },
    timeoutSeconds: 60,
    configuration: [],
  };
}
