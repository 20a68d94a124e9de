/** What can be told of a Step's expressions before they run: the names they read, and whether a condition is one. Pure. */
import type { StepSpec } from './definitions';
import { referencesIn, scriptsIn, type Expression, type Script } from './expression';
import { nearest } from './nearest';

/** One thing to mend; the path leads on from the Step. */
export interface ExpressionFault {
  readonly path: readonly string[];
  readonly message: string;
  readonly hint: string;
}

/** A Step's expressions with the way to them. */
export function expressionsOf(
  step: Pick<StepSpec, 'links' | 'when'>,
): readonly { readonly path: readonly string[]; readonly expression: Expression }[] {
  const links = Object.entries(step.links).flatMap(([port, link]) =>
    link.kind === 'expression' ? [{ path: ['in', port, 'expression'], expression: link.expression }] : [],
  );
  return step.when?.kind === 'expression' ? [...links, { path: ['when'], expression: step.when.expression }] : links;
}

/** What is wrong with the expressions of a Step that runs something with these ports. */
export function expressionFaults(step: StepSpec, ports: readonly string[]): ExpressionFault[] {
  const names = [...new Set([...ports, ...Object.keys(step.links)])];
  const hint = (name: string): string => `Link it: in: {${name}: …}. ${readable(names)}`;
  const reads = expressionsOf(step).flatMap(({ path, expression }) =>
    inputFaults(expression, names, hint).map((fault) => ({ ...fault, path })),
  );
  return [...reads, ...conditionFaults(step)];
}

/** Names of inputs that an expression reads and that are not there. `link` says how one more would be given. */
export function inputFaults(
  expression: Expression,
  names: readonly string[],
  link: (name: string) => string,
): Omit<ExpressionFault, 'path'>[] {
  const referred = referencesIn(expression).flatMap(({ path: [root, name] }) =>
    root === 'inputs' && typeof name === 'string' ? [name] : [],
  );
  const dashed = scriptsIn(expression).flatMap((script) => names.filter((name) => isSubtracted(script, name)));
  const scripted = scriptsIn(expression).flatMap(namesRead);
  const isPart = (name: string): boolean => dashed.some((whole) => whole.startsWith(`${name}-`));
  const missing = [...new Set([...referred, ...scripted])].filter((name) => !names.includes(name) && !isPart(name));
  return [
    ...missing.map((name) => {
      const meant = nearest(name, names);
      const message = `the expression reads inputs.${name}, and there is no input '${name}'`;
      return { message, hint: `${meant === undefined ? '' : `Did you mean '${meant}'? `}${link(name)}` };
    }),
    ...[...new Set(dashed)].map((name) => ({
      message: `inputs.${name} is a subtraction in JavaScript`,
      hint: `Write inputs["${name}"].`,
    })),
  ];
}

/** A condition that can never be true or false. */
function conditionFaults({ when }: StepSpec): ExpressionFault[] {
  if (when?.kind !== 'expression') return [];
  const { expression } = when;
  const path = ['when'];
  if (expression.kind === 'literal' && typeof expression.value !== 'boolean') {
    const hint = `Write it as an expression: when: $(${typeof expression.value === 'string' ? expression.value.slice(0, MAX_SHOWN) : '…'}).`;
    return [{ path, message: 'the condition is plain text, which is neither true nor false', hint }];
  }
  if (expression.kind === 'template') {
    const hint = 'Write one expression around all of it: when: $(inputs.a > inputs.b).';
    return [{ path, message: 'the condition has text around its expressions, and so it gives a text', hint }];
  }
  const usesSelf = referencesIn(expression).some(({ path: [root] }) => root === 'self');
  const hint = 'Name the input: when: $(inputs.total > 3).';
  return usesSelf ? [{ path, message: "a condition transforms nothing, and so it has no 'self'", hint }] : [];
}

/** A piece of a condition in a message is cut here. */
const MAX_SHOWN = 60;
/** A message names no more than these. */
const MAX_NAMES = 12;

function readable(names: readonly string[]): string {
  if (names.length === 0) return '';
  return `Expressions of this step read ${names.slice(0, MAX_NAMES).join(', ')}${names.length > MAX_NAMES ? ', …' : ''}.`;
}

/** What is text in a script, or said about it, reads nothing. */
const QUOTED = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\/\/.*|\/\*[\s\S]*?\*\//g;

/** `inputs.name` in a script; what every object has is no input. */
function namesRead({ source }: Script): string[] {
  const names = [...source.replace(QUOTED, '""').matchAll(/(?<![\w$.])inputs\s*\??\.\s*([A-Za-z_$][\w$]*)/g)];
  return names.flatMap(([, name = '']) => (name in Object.prototype ? [] : [name]));
}

/** `inputs.min-length`, where an input has this name. */
function isSubtracted({ source }: Script, name: string): boolean {
  return name.includes('-') && source.replace(QUOTED, '""').includes(`inputs.${name}`);
}
