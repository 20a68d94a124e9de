/** Plans for tests of what is made of them. */
import fc from 'fast-check';
import type { JobPlan } from '../../src/domain/compileJob';
import { scalar } from '../../src/domain/values';
import { planOf } from '../../src/engine/plans';
import { job, task, type StepOptions } from '../engine/support';

/** The plan of a Job whose Steps run the task `work`, or the Jobs of `inner`, with the inputs that they link. */
export function planOfSteps(
  steps: Readonly<Record<string, StepOptions>>,
  inner: Readonly<Record<string, Readonly<Record<string, StepOptions>>>> = {},
): JobPlan {
  const all = [steps, ...Object.values(inner)].flatMap((one) => Object.values(one));
  const inputs = [...new Set(all.flatMap((step) => [...Object.keys(step.in ?? {}), ...Object.keys(step.links ?? {})]))];
  const types = Object.fromEntries(inputs.map((name) => [name, scalar('Any')]));
  return planOf({
    job: job('pipeline', steps),
    tasks: [task('work', { inputs })],
    backends: [],
    jobs: Object.entries(inner).map(([name, own]) => job(name, own, Object.keys(own).at(-1), types)),
  });
}

/** Steps `s0`, `s1` …, each linked to, or after, any earlier ones; of the widths and depths that Jobs have. */
export const anySteps: fc.Arbitrary<Readonly<Record<string, StepOptions>>> = fc
  .integer({ min: 1, max: 40 })
  .chain((size) =>
    fc.tuple(
      ...Array.from({ length: size }, (_, index) =>
        fc.record({
          linked: fc.uniqueArray(fc.nat({ max: Math.max(0, index - 1) }), { maxLength: Math.min(index, 3) }),
          after: fc.uniqueArray(fc.nat({ max: Math.max(0, index - 1) }), { maxLength: Math.min(index, 2) }),
        }),
      ),
    ),
  )
  .map((links) =>
    Object.fromEntries(
      links.map(({ linked, after }, index): [string, StepOptions] => [
        `s${index}`,
        {
          in: Object.fromEntries(linked.map((earlier, port) => [`p${port}`, `s${earlier}.out`])),
          after: after.map((earlier) => `s${earlier}`),
        },
      ]),
    ),
  );
