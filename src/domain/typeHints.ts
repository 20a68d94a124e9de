/** How to mend a link whose type does not fit, where lists of a scatter, several sources or conditions are the cause. Pure. */
import type { Link, StepSpec } from './definitions';
import { linkedType, type Port } from './signature';
import { isAssignable } from './typing';
import { formatType, optionalType, type ValueType } from './values';

/** Undefined when the cause is none of these. */
export function mending(
  link: Link,
  from: ValueType,
  port: Port,
  step: StepSpec,
  stepOf: (name: string) => StepSpec | undefined,
): string | undefined {
  const to = linkedType(port, step);
  const isScattered = step.scatter?.ports.includes(port.name) === true;
  if (isScattered && isAssignable(from, port.type) === true)
    return `'${port.name}' is scattered, so its link gives a list with a value for each run. Link a list, or take '${port.name}' out of scatter.`;
  if (to.kind === 'array' && isAssignable(from, { kind: 'array', items: optionalType(to.items) }) === true)
    return `Some of its values may be null. Leave these out: {from: ${writtenSource(link)}, pick: all}. Or take ${formatType({ kind: 'array', items: optionalType(to.items) })}.`;
  if (to.kind === 'array' && isAssignable(from, to.items) === true)
    return `For a list of one, write {from: ${writtenSource(link)}, merge: nested}.`;
  if (from.kind !== 'array' || isAssignable(from.items, to) !== true) return undefined;
  const over = isScattered ? '' : `Run this step once for each as well (scatter: ${port.name}), or take a list.`;
  switch (link.kind) {
    case 'output':
      return stepOf(link.step)?.scatter
        ? `Each '${link.step}' gives a list under scatter. ${over}`.trimEnd()
        : over || undefined;
    case 'merge':
      return `Several sources make a list. Take one of them (pick: first), or take a list.`;
    default:
      return over || undefined;
  }
}

function writtenSource(link: Link): string {
  switch (link.kind) {
    case 'input':
      return link.input;
    case 'output':
      return `${link.step}.${link.port}`;
    case 'merge':
      return `[${link.sources.map(writtenSource).join(', ')}]`;
    default:
      return '…';
  }
}
