import type { JobSpec, Link } from '../../src/domain/definitions';
import { scalar, type ValueType } from '../../src/domain/values';
import { cancelSubmission } from '../../src/engine/cancel';
import type { Work } from '../../src/engine/claim';
import { ended, job, task, type TestEngine } from './support';
import { runReady, type Differently } from './runReady';
import { withEngine } from './withEngine';

const listOf = (items: ValueType): ValueType => ({ kind: 'array', items });
const TEXTS = listOf(scalar('string'));
const input = (name: string): Link => ({ kind: 'input', input: name });
const WORK = task('work', { inputs: ['x', 'y'] });

let engine: TestEngine;
let worker: string;

withEngine(async (opened) => {
  engine = opened;
  worker = await engine.worker();
});

/** Runs until nothing is ready: each step gives the values it got, joined. Returns what ran, in order. */
const runAll = (differently: (work: Work) => Differently = () => ({})): Promise<string[]> =>
  runReady(engine, worker, (work) => {
    expect(work.problems).toEqual([]);
    const out = [work.values.x, work.values.y].flatMap((value) => (typeof value === 'string' ? [value] : [])).join('+');
    return { outputs: { out }, ...differently(work) };
  });

const define = async (...jobs: JobSpec[]): Promise<void> => {
  const outcome = await engine.define([WORK], jobs);
  expect(outcome).toMatchObject({ ok: true });
};

const anyOut = (spec: JobSpec): JobSpec => ({
  ...spec,
  outputs: spec.outputs.map((output) => ({ ...output, type: scalar('Any') })),
});

test('a step runs once for each element of a list, and its results are a list in the same order', async () => {
  await define(anyOut(job('each', { one: { links: { x: input('texts') }, scatter: ['x'] } }, 'one', { texts: TEXTS })));
  const id = await engine.submit('each', { inputs: { texts: ['a', 'b', 'c'] } });
  expect((await runAll()).sort()).toEqual(['one[0]', 'one[1]', 'one[2]']);
  const submission = await engine.submission(id);
  expect(submission).toMatchObject({ state: 'SUCCEEDED', unfinished: 0, outputs: { result: ['a', 'b', 'c'] } });
  const events = await engine.events(id);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
});

test('an empty list gives an empty list, and what follows still runs', async () => {
  await define(
    anyOut(
      job('none', { one: { links: { x: input('texts') }, scatter: ['x'] }, after: { after: ['one'] } }, 'one', {
        texts: TEXTS,
      }),
    ),
  );
  const id = await engine.submit('none', { inputs: { texts: [] } });
  expect(await runAll()).toEqual(['after']);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', outputs: { result: [] } });
});

test.each([
  ['dot', ['a', 'b'], ['1', '2'], ['a+1', 'b+2']],
  ['flat', ['a', 'b'], ['1', '2', '3'], ['a+1', 'a+2', 'a+3', 'b+1', 'b+2', 'b+3']],
  [
    'nested',
    ['a', 'b'],
    ['1', '2', '3'],
    [
      ['a+1', 'a+2', 'a+3'],
      ['b+1', 'b+2', 'b+3'],
    ],
  ],
  ['nested', ['a', 'b'], [], [[], []]],
  ['nested', [], ['1'], []],
] as const)('two lists, %s: %j and %j', async (method, x, y, result) => {
  await define(
    anyOut(
      job('two', { one: { links: { x: input('a'), y: input('b') }, scatter: ['x', 'y'], method } }, 'one', {
        a: TEXTS,
        b: TEXTS,
      }),
    ),
  );
  const id = await engine.submit('two', { inputs: { a: [...x], b: [...y] } });
  await runAll();
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', outputs: { result } });
});

test('lists side by side must be of one length', async () => {
  await define(
    anyOut(
      job('two', { one: { links: { x: input('a'), y: input('b') }, scatter: ['x', 'y'] } }, 'one', {
        a: TEXTS,
        b: TEXTS,
      }),
    ),
  );
  const id = await engine.submit('two', { inputs: { a: ['1'], b: ['1', '2'] } });
  expect(await runAll()).toEqual([]);
  const submission = await engine.submission(id);
  expect(submission).toMatchObject({ state: 'FAILED', unfinished: 0 });
  expect(submission.message).toContain('x has 1, y has 2');
});

test('a failed element fails the scatter and the submission; what has not started never runs', async () => {
  await define(anyOut(job('each', { one: { links: { x: input('texts') }, scatter: ['x'] } }, 'one', { texts: TEXTS })));
  const id = await engine.submit('each', { inputs: { texts: ['a', 'b', 'c'] } });
  await engine.plan();
  const [first] = await engine.claim(worker, 1);
  if (!first) throw new Error('nothing to claim');
  await engine.complete(ended(first, worker, { state: 'FAILED', exitCode: 1, message: 'no' }));
  expect(await engine.claim(worker, 10)).toEqual([]);
  expect(await engine.states(id)).toBe('one:FAILED one[0]:FAILED one[1]:CANCELLED one[2]:CANCELLED');
  expect(await engine.submission(id)).toMatchObject({ state: 'FAILED', unfinished: 0 });
});

test('a nested job runs its steps in a scope of its own and gives its outputs', async () => {
  const inner = job('inner', { p: { links: { x: input('text') } }, q: { in: { x: 'p' } } }, 'q', {
    text: scalar('string'),
  });
  const outer = anyOut(
    job(
      'outer',
      { a: { in: { x: '=hello' } }, b: { job: 'inner', in: { text: 'a' } }, c: { in: { x: 'b.result' } } },
      'c',
    ),
  );
  await define(inner, outer);
  const id = await engine.submit('outer');
  expect(await runAll()).toEqual(['a', 'b/p', 'b/q', 'c']);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', outputs: { result: 'hello' } });
});

test('nested jobs scatter, at any depth, and their results come out in order', async () => {
  const inmost = job('inmost', { p: { links: { x: input('text') } } }, 'p', { text: scalar('string') });
  const middle = anyOut(
    job('middle', { each: { job: 'inmost', links: { text: input('texts') }, scatter: ['text'] } }, undefined, {
      texts: TEXTS,
    }),
  );
  const middleOut: JobSpec = {
    ...middle,
    outputs: [
      {
        name: 'result',
        description: '',
        type: scalar('Any'),
        source: { kind: 'output', step: 'each', port: 'result' },
      },
    ],
  };
  const outer: JobSpec = {
    ...job('outer', { rows: { job: 'middle', links: { texts: input('table') }, scatter: ['texts'] } }, undefined, {
      table: listOf(TEXTS),
    }),
    outputs: [
      {
        name: 'result',
        description: '',
        type: scalar('Any'),
        source: { kind: 'output', step: 'rows', port: 'result' },
      },
    ],
  };
  await define(inmost, middleOut, outer);
  const id = await engine.submit('outer', { inputs: { table: [['a', 'b'], [], ['c']] } });
  const ran = await runAll();
  expect(ran).toContain('rows[2]/each[0]/p');
  expect(await engine.submission(id)).toMatchObject({
    state: 'SUCCEEDED',
    unfinished: 0,
    outputs: { result: [['a', 'b'], [], ['c']] },
  });
});

test('nested jobs with joined outputs end in one batch, each by itself', async () => {
  const source = (step: string) => ({ kind: 'output', step, port: 'out' }) as const;
  const inner: JobSpec = {
    ...job('inner', { a: { links: { x: input('text') } }, b: { when: { step: 'a', exitCodes: [5] } } }, undefined, {
      text: scalar('string'),
    }),
    outputs: [
      {
        name: 'result',
        description: '',
        type: scalar('Any'),
        source: { kind: 'merge', sources: [source('a'), source('b')], how: 'nested' },
      },
    ],
  };
  const outer: JobSpec = {
    ...job('outer', { each: { job: 'inner', links: { text: input('texts') }, scatter: ['text'] } }, undefined, {
      texts: TEXTS,
    }),
    outputs: [
      {
        name: 'result',
        description: '',
        type: scalar('Any'),
        source: { kind: 'output', step: 'each', port: 'result' },
      },
    ],
  };
  await define(inner, outer);
  const id = await engine.submit('outer', { inputs: { texts: ['1', '2', '3'] } });
  await runAll();
  expect(await engine.submission(id)).toMatchObject({
    state: 'SUCCEEDED',
    outputs: {
      result: [
        ['1', null],
        ['2', null],
        ['3', null],
      ],
    },
  });
});

test('a condition skips a step, and each element has its own', async () => {
  const when = { kind: 'expression', expression: { kind: 'reference', path: ['inputs', 'y'] } } as const;
  const flag = {
    ...WORK,
    name: 'flag',
    inputs: [
      { name: 'x', description: '', type: scalar('Any') },
      { name: 'y', description: '', type: scalar('boolean') },
    ],
  };
  expect(
    await engine.define(
      [WORK, flag],
      [
        anyOut(
          job(
            'some',
            {
              alone: {
                task: 'flag',
                links: { x: { kind: 'value', value: 'no' }, y: { kind: 'value', value: false } },
                when,
              },
              each: { task: 'flag', links: { x: input('texts'), y: input('flags') }, scatter: ['x', 'y'], when },
              last: { in: { x: 'alone' }, after: ['each'] },
            },
            'each',
            { texts: TEXTS, flags: listOf(scalar('boolean')) },
          ),
        ),
      ],
    ),
  ).toMatchObject({ ok: true });
  const id = await engine.submit('some', { inputs: { texts: ['a', 'b', 'c'], flags: [true, false, true] } });
  const ran = await runAll((work) => ({ outputs: { out: work.values.x ?? null } }));
  expect(ran).toEqual(['each[0]', 'each[2]', 'last']);
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', outputs: { result: ['a', null, 'c'] } });
});

test('several sources become one list, joined or nested, or the first that is there', async () => {
  const merge = (how: 'nested' | 'flat', pick?: 'first' | 'all'): Link => ({
    kind: 'merge',
    sources: [
      { kind: 'output', step: 'a', port: 'out' },
      { kind: 'output', step: 'b', port: 'out' },
    ],
    how,
    ...(pick ? { pick } : {}),
  });
  const any = { ...WORK, name: 'any', inputs: [{ name: 'x', description: '', type: scalar('Any') }] };
  const ANY = { kind: 'output', step: 'n', port: 'out' } as const;
  const spec: JobSpec = {
    ...job('merge', {
      a: { in: { x: '=1' } },
      b: { in: { x: '=2' }, after: ['a'] },
      n: { task: 'any', links: { x: merge('nested') } },
      f: { task: 'any', links: { x: merge('flat', 'first') } },
    }),
    outputs: [
      {
        name: 'both',
        description: '',
        type: scalar('Any'),
        source: { kind: 'merge', sources: [ANY, { ...ANY, step: 'f' }], how: 'nested' },
      },
    ],
  };
  expect(await engine.define([WORK, any], [spec])).toMatchObject({ ok: true });
  const id = await engine.submit('merge');
  await runAll((work) => ({ outputs: { out: work.values.x ?? null } }));
  expect(await engine.submission(id)).toMatchObject({ state: 'SUCCEEDED', outputs: { both: [['1', '2'], '1'] } });
});

test('a scatter becomes rows by and by, and a cancel of a large one ends it', async () => {
  await define(anyOut(job('each', { one: { links: { x: input('texts') }, scatter: ['x'] } }, 'one', { texts: TEXTS })));
  const id = await engine.submit('each', { inputs: { texts: Array.from({ length: 20_000 }, (_, n) => String(n)) } });
  await engine.plan();
  const [{ count }] = (await engine.rows<{ count: number }>('select count(*)::int as count from step_run')) as [
    { count: number },
  ];
  expect(count).toBeLessThan(7_000);
  await cancelSubmission(engine.dependencies, id, 'enough');
  expect(await engine.submission(id)).toMatchObject({ state: 'CANCELLED', unfinished: 0 });
  expect(await engine.claim(worker, 10)).toEqual([]);
});
