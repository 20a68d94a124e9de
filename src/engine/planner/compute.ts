/** What expressions make of the values of a Step: computed ports, and whether it runs. */
import type { PlanNode } from '../../domain/compileJob';
import type { StepcastError } from '../../domain/errors';
import type { Expression, ExpressionContext } from '../../domain/expression';
import type { Value, Values } from '../../domain/values';

/** What came of an expression in one context. */
export type Evaluation =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: StepcastError };

/** Evaluates the expression in each context, in order. It never stalls the process. Throws UNAVAILABLE. */
export type Evaluate = (
  expression: Expression,
  contexts: readonly ExpressionContext[],
) => Promise<readonly Evaluation[]>;

/** What came of one set of values. */
export type Computed =
  | { readonly kind: 'runs'; readonly values: Values; readonly computed: Values }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Computes for a Step, or for each of its elements, in order. `given` has the ports as their links give them. */
export async function compute(
  evaluate: Evaluate,
  node: PlanNode,
  given: readonly Values[],
  steps: readonly Values[],
): Promise<Computed[]> {
  const withDefaults = given.map((values) => filled(node, values));
  const computed: Record<string, Value>[] = given.map(() => ({}));
  const failures: (string | undefined)[] = [];
  const note = (index: number, what: string, error: StepcastError): void => {
    // That passes: the planner comes again.
    if (error.code === 'UNAVAILABLE') throw error;
    failures[index] ??= `${what} of step "${node.name}" cannot be computed: ${error.message}`;
  };
  for (const [port, link] of Object.entries(node.links)) {
    if (link.kind !== 'expression') continue;
    const results = await evaluate(
      link.expression,
      withDefaults.map((inputs, index) => ({ inputs, self: inputs[port] ?? null, step: steps[index] ?? {} })),
    );
    for (const [index, result] of results.entries()) {
      const own = computed[index];
      if (!result.ok) note(index, `Input "${port}"`, result.error);
      else if (own) own[port] = result.value;
    }
  }
  const values = withDefaults.map((one, index) => ({ ...one, ...computed[index] }));
  const when = node.when?.kind === 'expression' ? node.when.expression : null;
  const conditions = when
    ? await evaluate(
        when,
        values.map((inputs, index) => ({ inputs, step: steps[index] ?? {} })),
      )
    : [];
  return values.map((own, index): Computed => {
    const evaluated = when ? conditions[index] : undefined;
    if (evaluated?.ok === false) note(index, 'The condition', evaluated.error);
    const condition = !when || (evaluated?.ok === true ? evaluated.value : null);
    const failure = failures[index];
    if (failure !== undefined) return { kind: 'failed', reason: failure };
    if (condition === true) return { kind: 'runs', values: own, computed: computed[index] ?? {} };
    if (condition === false) return { kind: 'skipped', reason: 'its condition is false' };
    const got = JSON.stringify(condition).slice(0, MAX_SHOWN);
    return { kind: 'failed', reason: `The condition of step "${node.name}" gave ${got}; it must be true or false.` };
  });
}

/** A value in an error message is cut here. */
const MAX_SHOWN = 80;

function filled(node: PlanNode, given: Values): Values {
  const ports = [...node.ports, ...node.extras];
  return Object.fromEntries(ports.map((port) => [port.name, given[port.name] ?? port.default ?? null]));
}
