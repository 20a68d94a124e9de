/** Plans for tests of what is made of them. */
import fc from 'fast-check';
import type { JobPlan } from '../../src/domain/compileJob';
import { planOf } from '../../src/engine/plans';
import { job, task, type StepOptions } from '../engine/support';

/** The plan of a Job whose Steps run the task `work`, with the inputs that they link. */
export function planOfSteps(steps: Readonly<Record<string, StepOptions>>, name = 'pipeline'): JobPlan {
  const inputs = [...new Set(Object.values(steps).flatMap((step) => Object.keys(step.in ?? {})))];
  return planOf({ job: job(name, steps), tasks: [task('work', { inputs })], backends: [], jobs: [] });
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
