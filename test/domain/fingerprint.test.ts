import fc from 'fast-check';
import {
  differences,
  endsEarly,
  fingerprintOf,
  fingerprintParts,
  whyDifferent,
  whyUnshared,
} from '../../src/domain/fingerprint';
import type { BackendSpec, TaskSpec } from '../../src/domain/definitions';
import { runsAgain, topLevelStep } from '../../src/domain/rerun';
import { optionalType, scalar, type FileValue, type Value, type Values } from '../../src/domain/values';
import { planOfSteps } from './plans';

const TASK: TaskSpec = {
  name: 'count',
  description: '',
  backend: 'local',
  inputs: [{ name: 'text', description: '', type: scalar('File') }],
  parameters: [
    {
      name: 'min',
      description: '',
      type: scalar('int'),
      required: false,
      spacing: 'separate',
      switch: false,
      flag: '-m',
    },
  ],
  outputs: [
    { name: 'out', description: '', type: scalar('File'), from: 'glob', glob: '*.n', path: '$ID.n', read: 'file' },
  ],
  command: { kind: 'shell', script: 'wc "$text" > "$out"' },
  environment: { LANG: 'C' },
  exitRules: { success: [0], temporary: [], terminate: [] },
  missingOutput: 'FAIL',
  retry: { maxAttempts: 1, initialDelaySeconds: 1, maxDelaySeconds: 1, factor: 1 },
  timeoutSeconds: 60,
  configuration: [],
};
const BACKEND = { kind: 'LOCAL', environment: {}, options: {} } as const;
const FILE: FileValue = { class: 'File', name: 'a.txt', sha256: 'aa', size: 1, mediaType: 'text/plain' };
const VALUES: Values = { text: FILE, min: 3 };

const parts = (
  task: Partial<TaskSpec> = {},
  values: Values = VALUES,
  backend: Pick<BackendSpec, 'kind' | 'environment' | 'options'> = BACKEND,
) => fingerprintParts({ ...TASK, ...task }, backend, values);
const print = (...given: Parameters<typeof parts>): string => fingerprintOf(parts(...given));

test('the formats of tables are part of a query, and of no command', () => {
  const [input, output] = [TASK.inputs, TASK.outputs];
  const formatted = {
    inputs: input.map((port) => ({ ...port, format: 'tsv' })),
    outputs: output.map((port) => ({ ...port, format: 'json' })),
  };
  expect(print(formatted)).toBe(print());
  const query = { command: { kind: 'query' as const, sql: 'select 1' } };
  expect(print({ ...query, inputs: formatted.inputs })).not.toBe(print(query));
  expect(print({ ...query, outputs: formatted.outputs })).not.toBe(print(query));
});

test('what cannot change a result is no part of it', () => {
  const same: Partial<TaskSpec>[] = [
    { name: 'other', description: 'other', backend: 'other' },
    {
      retry: { ...TASK.retry, maxAttempts: 9 },
      timeoutSeconds: 5,
      heartbeatSeconds: 4,
      maxRunning: 1,
      uses: { licence: 1 },
    },
    { resources: { memoryBytes: 1 }, configuration: [{ kind: 'MISC', name: 'n', version: '', parameters: '' }] },
    { outputs: TASK.outputs.map((port) => ({ ...port, description: 'other' })) },
  ];
  for (const task of same) expect(print(task)).toBe(print());
  expect(print({}, { ...VALUES, text: { ...FILE, mediaType: 'text/csv' } })).toBe(print());
  expect(print({ environment: {} }, VALUES, { ...BACKEND, environment: { LANG: 'C' } })).toBe(print());
});

test('what may change a result is', () => {
  const others: [Partial<TaskSpec>, Values?][] = [
    [{ command: { kind: 'shell', script: 'wc -l "$text" > "$out"' } }],
    [{ exitRules: { ...TASK.exitRules, success: [0, 1] } }],
    [{ missingOutput: 'CONTINUE' }],
    [{ outputs: TASK.outputs.map((port) => ({ ...port, glob: '*.m' })) }],
    [{ outputs: TASK.outputs.map((port) => ({ ...port, read: 'text' as const })) }],
    [{ environment: { LANG: 'de' } }],
    [{ parameters: TASK.parameters.map((one) => ({ ...one, flag: '-n' })) }],
    [{}, { ...VALUES, min: 4 }],
    [{}, { ...VALUES, min: null }],
    [{}, { ...VALUES, text: { ...FILE, sha256: 'bb' } }],
    [{}, { ...VALUES, text: { ...FILE, name: 'b.txt' } }],
    [{}, { ...VALUES, text: { class: 'Directory', name: 'a.txt', entries: [FILE] } }],
    [{}, { ...VALUES, text: [FILE] }],
    [{}, { ...VALUES, text: { ...FILE, secondaryFiles: [{ ...FILE, name: 'a.txt.idx' }] } }],
  ];
  const prints = others.map(([task, values]) => print(task, values));
  expect(new Set([print(), ...prints]).size).toBe(others.length + 1);
});

test('plain data that looks like a file of ours is not taken for one', () => {
  const record: Value = { file: 'a.txt', sha256: 'aa' };
  expect(print({}, { ...VALUES, text: record })).not.toBe(print());
});

test('equal values have equal fingerprints whatever the order of their keys, and different ones do not', () => {
  const values = fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<Value>, { maxKeys: 4 });
  fc.assert(
    fc.property(values, values, (one, other) => {
      const turned = Object.fromEntries(Object.entries(one).reverse());
      expect(print({}, { ...VALUES, text: turned })).toBe(print({}, { ...VALUES, text: one }));
      const isSame = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
      expect(print({}, { ...VALUES, text: other }) === print({}, { ...VALUES, text: one })).toBe(isSame);
    }),
  );
});

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, part]): [string, unknown] => [key, sorted(part)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
};

test.each<[string, ReturnType<typeof parts>]>([
  ['input `text` differs; the rest is the same.', parts({}, { ...VALUES, text: { ...FILE, sha256: 'bb' } })],
  ['parameter `min` and input `text` differ; the rest is the same.', parts({}, {})],
  ['the definition of the task differs; the rest is the same.', parts({ missingOutput: 'CONTINUE' })],
  ['the environment variables differ; the rest is the same.', parts({ environment: {} })],
  ['nothing differs.', parts()],
])('%s', (sentence, other) => {
  expect(whyDifferent(parts(), other)).toBe(sentence);
  expect(differences(parts(), other)).toHaveLength(
    sentence.includes(' and ') ? 2 : sentence === 'nothing differs.' ? 0 : 1,
  );
});

test('a sentence names few of many differences', () => {
  const inputs = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`in${index}`, String(index)]));
  expect(whyDifferent({ ...parts(), inputs: {} }, { ...parts(), inputs })).toMatch(
    /^input `in0`, .* and 25 more differ;/,
  );
});

test('tasks that take something share their results, unless they say otherwise or only compute', () => {
  const nothing = { ...TASK, inputs: [], parameters: [] };
  expect(whyUnshared(TASK, null)).toBeNull();
  expect(whyUnshared({ ...TASK, inputs: [] }, BACKEND)).toBeNull();
  expect(whyUnshared(nothing, BACKEND)).toEqual({ kind: 'TAKES_NOTHING' });
  expect(whyUnshared({ ...nothing, reuse: true }, BACKEND)).toBeNull();
  expect(whyUnshared({ ...TASK, reuse: false }, BACKEND)).toEqual({ kind: 'SAYS_SO' });
  const computes: TaskSpec = {
    ...TASK,
    reuse: true,
    command: { kind: 'expression', expression: { kind: 'literal', value: 1 } },
  };
  expect(whyUnshared(computes, null)).toEqual({ kind: 'COMPUTES' });
});

test('a task whose backend names a database shares no results, unless it says so', () => {
  const sql = { kind: 'SQL' as const, options: { database: '/srv/stock.duckdb' } };
  expect(whyUnshared(TASK, sql)).toEqual({ kind: 'LOOKS_OUTSIDE', option: 'database' });
  expect(whyUnshared({ ...TASK, reuse: true }, sql)).toBeNull();
  expect(whyUnshared(TASK, { ...sql, options: { threads: 2 } })).toBeNull();
});

test('a success that ended its submission early is known again', () => {
  const rules = { success: [0], temporary: [], terminate: [7] };
  expect(endsEarly({ ...TASK, exitRules: rules }, 7, {})).toBe(true);
  expect(endsEarly({ ...TASK, exitRules: rules }, 0, { out: FILE })).toBe(false);
  expect(endsEarly({ ...TASK, missingOutput: 'TERMINATE' }, 0, {})).toBe(true);
  expect(endsEarly({ ...TASK, missingOutput: 'TERMINATE' }, 0, { out: FILE })).toBe(false);
  const optional = TASK.outputs.map((port) => ({ ...port, type: optionalType(port.type) }));
  expect(endsEarly({ ...TASK, missingOutput: 'TERMINATE', outputs: optional }, 0, {})).toBe(false);
});

test('a step that runs again takes all that stands after it along', () => {
  const plan = planOfSteps({ a: {}, b: { after: ['a'] }, c: { after: ['a'] }, d: { after: ['b', 'c'] }, e: {} });
  expect([...runsAgain(plan, ['b'])]).toEqual(['b', 'd']);
  expect([...runsAgain(plan, ['a', 'e'])]).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect([...runsAgain(plan, ['unknown'])]).toEqual([]);
  expect(['a', 'a[3]', 'a[3]/b', 'a/b[2]'].map(topLevelStep)).toEqual(['a', 'a', 'a', 'a']);
});
