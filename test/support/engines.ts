/** Tests that need a real engine: they run where it is, and the run says at its end which were left out and why. */
import type { EngineName, Engines, Found, FoundEngines } from './findEngines';

/** The variable by which the run's set-up hands what it found to the tests. */
export const FOUND_VARIABLE = 'STEPCAST_TEST_FOUND_ENGINES';

/** How to use an engine, or why it is not there. */
export function engine<Name extends EngineName>(name: Name): Found<Engines[Name]> {
  const found = process.env[FOUND_VARIABLE];
  if (!found) throw new Error(`${FOUND_VARIABLE} is not set: run the tests with jest and its globalSetup`);
  // Written by the set-up of this run.
  return (JSON.parse(found) as FoundEngines)[name];
}

/** What becomes of tests that need an engine. */
export type Plan<Facts> =
  | { readonly kind: 'run'; readonly facts: Facts }
  | { readonly kind: 'leave out'; readonly note: string }
  | { readonly kind: 'fail'; readonly message: string };

/** `required` is the value of STEPCAST_TEST_ENGINES: `all` where no engine may be missing. */
export function planFor<Facts>(name: EngineName, found: Found<Facts>, required: string | undefined): Plan<Facts> {
  if (found.here) return { kind: 'run', facts: found.facts };
  if (required === 'all')
    return {
      kind: 'fail',
      message: `${name} is not here (${found.reason}), and STEPCAST_TEST_ENGINES=all wants every engine: docs/engines.md tells how to bring it up.`,
    };
  return { kind: 'leave out', note: `${name} (${found.reason})` };
}

/** A `describe` whose tests need an engine. What it takes to use the engine is given to `body`. */
export function describeEngine<Name extends EngineName>(
  name: Name,
  title: string,
  body: (facts: Engines[Name]) => void,
): void {
  const plan = planFor(name, engine(name), process.env['STEPCAST_TEST_ENGINES']);
  switch (plan.kind) {
    case 'run':
      describe(title, () => body(plan.facts));
      return;
    case 'leave out':
      // The end of `npm test` reads the note out of the title.
      describe(`${title} [left out: ${plan.note}]`, () => {
        test.skip('all of it', () => undefined);
      });
      return;
    case 'fail':
      describe(title, () => {
        test('its engine is here', () => {
          throw new Error(plan.message);
        });
      });
  }
}
