/** What holds for native values in every language. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { BackendSpec, TaskSpec } from '../../../src/domain/definitions';
import { scalar, type Value, type ValueType } from '../../../src/domain/values';
import { createBench, inputPort, type Bench } from '../support';
import { returned, scriptTask } from './programs';

export const LIST = (items: ValueType): ValueType => ({ kind: 'array', items });
export const RECORD = (fields: Readonly<Record<string, ValueType>>): ValueType => ({
  kind: 'record',
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
});

/** A Task whose script is `assign` for each value: it gives back what it got, under another name. */
export function echoTask(
  types: Readonly<Record<string, ValueType>>,
  assign: (to: string, from: string) => string,
): TaskSpec {
  return scriptTask(
    Object.keys(types)
      .map((name) => assign(`out_${name}`, name))
      .join('\n'),
    {
      inputs: Object.entries(types).map(([name, type]) => inputPort(name, type)),
      outputs: Object.entries(types).map(([name, type]) => returned(`out-${name}`, type)),
    },
  );
}

const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
const string = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text));

/** Values of each of these types come back as they were. */
const KINDS: Readonly<Record<string, { readonly type: ValueType; readonly values: fc.Arbitrary<Value> }>> = {
  boolean: { type: scalar('boolean'), values: fc.boolean() },
  int: { type: scalar('int'), values: fc.integer() },
  long: { type: scalar('long'), values: fc.maxSafeInteger() },
  double: { type: scalar('double'), values: double },
  string: { type: scalar('string'), values: string },
  ints: { type: LIST(scalar('int')), values: fc.array(fc.integer(), { maxLength: 250 }) },
  doubles: { type: LIST(scalar('double')), values: fc.array(double) },
  matrix: {
    type: LIST(LIST(scalar('double'))),
    values: fc.array(fc.tuple(double, double), { minLength: 1 }).map((rows) => rows.map((row) => [...row])),
  },
  strings: { type: LIST(scalar('string')), values: fc.array(string) },
  booleans: { type: LIST(scalar('boolean')), values: fc.array(fc.boolean(), { minLength: 1 }) },
  record: {
    type: RECORD({ name: scalar('string'), sizes: LIST(scalar('long')), inner: RECORD({ flag: scalar('boolean') }) }),
    values: fc.record({ name: string, sizes: fc.array(fc.maxSafeInteger()), inner: fc.record({ flag: fc.boolean() }) }),
  },
  records: {
    type: LIST(RECORD({ a: scalar('int'), b: scalar('string') })),
    values: fc.array(fc.record({ a: fc.integer(), b: string })),
  },
};

const ROUNDS = 4;
const VALUES_A_ROUND = 20;

/** Defines the test; many values go through one run, since a run takes its time. */
export function returnsWhatItGets(spec: () => BackendSpec, assign: (to: string, from: string) => string): void {
  test('values of all types come back as they were', async () => {
    const bench: Bench = createBench(spec());
    const names = Object.keys(KINDS).flatMap((kind) =>
      Array.from({ length: VALUES_A_ROUND }, (_, n) => `${kind}_${n}`),
    );
    const kindOf = (name: string) =>
      KINDS[name.slice(0, name.lastIndexOf('_'))] ?? { type: scalar('Any'), values: fc.constant(null) };
    const task = echoTask(Object.fromEntries(names.map((name) => [name, kindOf(name).type])), assign);
    try {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const values = Object.fromEntries(
          names.map((name, index) => [
            name,
            fc.sample(kindOf(name).values, { numRuns: 1, seed: round * 1000 + index })[0] ?? null,
          ]),
        );
        const outcome = await bench.run(task, values);
        expect([outcome.message, outcome.output]).toEqual(['', '']);
        expect(outcome.outputs).toEqual(Object.fromEntries(names.map((name) => [`out-${name}`, values[name]])));
      }
    } finally {
      await bench.close();
    }
  });
}

/** A folder that is removed after the tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stepcast-scripts-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
