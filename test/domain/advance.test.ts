import fc from 'fast-check';
import { consequences, successorsOf, type Ended, type StepView } from '../../src/domain/advance';
import { canonicalJson, digestOf } from '../../src/domain/digest';
import { compileJob, type JobPlan } from '../../src/domain/compileJob';
import { libraryOf } from '../../src/engine/plans';
import { mayRetry, retryDelaySeconds } from '../../src/domain/retry';
import { isStorable, storableText } from '../../src/domain/text';
import { job, task, type StepOptions } from '../engine/support';

const TASKS = libraryOf([task('work', { inputs: ['x', 'y'] }), task('needs', { inputs: ['x!', 'y'] })], []);

/** A graph of steps that link, wait and depend on exit codes backwards, and the exit code with which each would end. */
const graph = fc.integer({ min: 1, max: 14 }).chain((size) =>
  fc.record({
    steps: fc.tuple(
      ...Array.from({ length: size }, (_, index) => {
        const earlier = fc.option(
          fc.nat({ max: Math.max(0, index - 1) }).map((one) => `s${one}`),
          { nil: undefined },
        );
        return fc.record({
          x: earlier,
          y: earlier,
          after: fc.uniqueArray(fc.nat({ max: Math.max(0, index - 1) }), { maxLength: 3 }),
          when: earlier,
          needs: fc.boolean(),
          exitCode: fc.constantFrom(0, 0, 1),
          first: fc.constant(index === 0),
        });
      }),
    ),
    order: fc.infiniteStream(fc.nat({ max: 1000 })),
  }),
);
type Drawn = (typeof graph extends fc.Arbitrary<infer T> ? T : never)['steps'];

function planOf(steps: Drawn): JobPlan {
  const named = steps.map((step, index): [string, StepOptions] => {
    if (step.first) return [`s${index}`, {}];
    const links = Object.entries({ x: step.x, y: step.y }).flatMap(([port, from]) => (from ? [[port, from]] : []));
    return [
      `s${index}`,
      {
        task: step.needs && step.x ? 'needs' : 'work',
        in: Object.fromEntries(links) as Record<string, string>,
        after: step.after.map((one) => `s${one}`),
        ...(step.when ? { when: { step: step.when, exitCodes: [0] } } : {}),
      },
    ];
  });
  return compileJob(job('drawn', Object.fromEntries(named)), TASKS);
}

/** What runs and what is skipped, by looking at the whole graph from front to back. */
function model(plan: JobPlan, exitCodes: readonly number[]): string[] {
  const state: string[] = [];
  for (const node of plan.nodes) {
    const { when } = node;
    const refused = when?.kind === 'exit' && (state[when.node] === 'skipped' || exitCodes[when.node] !== 0);
    const starved = node.requires.some((one) => state[one] === 'skipped');
    state.push(refused || starved ? 'skipped' : 'ran');
  }
  return state;
}

test('whatever the order and batching in which steps end, the same ones run, and every counter ends at 0', () => {
  fc.assert(
    fc.property(graph, ({ steps, order }) => {
      const plan = planOf(steps);
      const exitCodes = steps.map((step) => step.exitCode);
      const rows: StepView[] = plan.nodes.map((node) => ({
        node: node.index,
        state: node.predecessors.length === 0 ? 'QUEUED' : 'PENDING',
        waiting: node.predecessors.length,
      }));
      const final: string[] = plan.nodes.map(() => '');
      const next = (limit: number): number => (order.next().value as number) % limit;
      for (;;) {
        const ready = rows.filter((row) => row.state === 'QUEUED');
        if (ready.length === 0) break;
        const batch = ready.filter((_, index) => index === 0 || next(2) === 0);
        if (next(2) === 0) batch.reverse();
        let frontier = batch.map(({ node }): Ended => {
          rows[node] = { node, state: 'SUCCEEDED', waiting: 0 };
          final[node] = 'ran';
          return { node, state: 'SUCCEEDED', exitCode: exitCodes[node] ?? 0 };
        });
        while (frontier.length > 0) {
          const seen = successorsOf(
            plan,
            frontier.map((one) => one.node),
          );
          const views = seen.flatMap((node) => rows[node] ?? []);
          const skipped: Ended[] = [];
          for (const one of consequences(plan, frontier, views)) {
            expect(seen).toContain(one.node);
            if (one.kind === 'waits') rows[one.node] = { node: one.node, state: 'PENDING', waiting: one.waiting };
            if (one.kind === 'ready') rows[one.node] = { node: one.node, state: 'QUEUED', waiting: 0 };
            if (one.kind === 'skipped') {
              rows[one.node] = { node: one.node, state: 'SKIPPED', waiting: 0 };
              final[one.node] = 'skipped';
              skipped.push({ node: one.node, state: 'SKIPPED', exitCode: null });
            }
          }
          frontier = skipped;
        }
      }
      expect(final).toEqual(model(plan, exitCodes));
      expect(rows.every((row) => row.waiting === 0)).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('a skipped step says why, by name', () => {
  const plan = compileJob(
    job('j', { a: {}, b: { when: { step: 'a', exitCodes: [0, 2] } }, c: { task: 'needs', in: { x: 'b' } } }),
    TASKS,
  );
  const pending = (node: number): StepView => ({ node, state: 'PENDING', waiting: 1 });
  expect(consequences(plan, [{ node: 0, state: 'SUCCEEDED', exitCode: 1 }], [pending(1)])).toEqual([
    { kind: 'skipped', node: 1, reason: 'step "a" ended with exit code 1, and this step runs on 0, 2' },
  ]);
  expect(consequences(plan, [{ node: 1, state: 'SKIPPED', exitCode: null }], [pending(2)])).toEqual([
    { kind: 'skipped', node: 2, reason: 'step "b", which gives a required input, was skipped' },
  ]);
});

test('retries wait longer and longer, never beyond the bound, and end', () => {
  const policy = fc.record({
    maxAttempts: fc.integer({ min: 1, max: 20 }),
    initialDelaySeconds: fc.float({ min: 0, max: 100, noNaN: true }),
    maxDelaySeconds: fc.float({ min: 0, max: 1_000, noNaN: true }),
    factor: fc.float({ min: 1, max: 10, noNaN: true }),
  });
  fc.assert(
    fc.property(
      policy,
      fc.integer({ min: 1, max: 500 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (one, n, random) => {
        const delay = retryDelaySeconds(one, n, random);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(one.maxDelaySeconds);
        expect(retryDelaySeconds(one, n + 1, random)).toBeGreaterThanOrEqual(delay);
        expect(mayRetry(one, n)).toBe(n < one.maxAttempts);
      },
    ),
  );
});

test('equal values have equal digests, whatever the order of their keys; others have others', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, part]) => [key, shuffled(part)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
      expect(digestOf(shuffled(left))).toBe(digestOf(left));
      expect(digestOf(JSON.parse(JSON.stringify(left)))).toBe(digestOf(left));
      expect(digestOf(left) === digestOf(right)).toBe(canonicalJson(left) === canonicalJson(right));
    }),
  );
});

test('text is made storable without touching what already is', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '\0', '\ud83d', '\ude00', 'é') }), (text) => {
      const stored = storableText(text);
      expect(isStorable(stored)).toBe(true);
      expect(Buffer.from(stored).toString()).toBe(stored);
      if (isStorable(text)) expect(stored).toBe(text);
    }),
  );
});
