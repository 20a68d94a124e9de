/** What inputs of Tasks, Parameters and inputs of Jobs have in common. */
import type { Constraints } from '../domain/definitions';
import { checkValue } from '../domain/typing';
import { filesIn } from '../domain/values';
import type { Value, ValueType } from '../domain/values';
import type { Path, Report } from './problem';

interface TypedForm {
  readonly type?: ValueType | undefined;
  readonly enum?: ValueType | undefined;
}

/** The type, given as `type` or as `enum`. */
export function declaredType(form: TypedForm, path: Path, report: Report): ValueType | undefined {
  if (form.type && form.enum) report.add([...path, 'enum'], "both 'type' and 'enum' are given", 'Keep one.');
  return form.type ?? form.enum;
}

interface BoundsForm {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly 'min-length'?: number | undefined;
  readonly 'max-length'?: number | undefined;
  readonly allowed?: readonly Value[] | undefined;
}

/** Only the bounds that were given. */
export function boundsOf(form: BoundsForm): Constraints {
  return {
    ...(form.min === undefined ? {} : { min: form.min }),
    ...(form.max === undefined ? {} : { max: form.max }),
    ...(form['min-length'] === undefined ? {} : { minLength: form['min-length'] }),
    ...(form['max-length'] === undefined ? {} : { maxLength: form['max-length'] }),
    ...(form.allowed === undefined ? {} : { allowed: form.allowed }),
  };
}

/** The default, once it is known to belong to the type and to keep the bounds. */
export function checkedDefault(
  type: ValueType,
  bounds: Constraints,
  value: Value | undefined,
  path: Path,
  report: Report,
): { default?: Value } {
  checkBounds(type, bounds, path, report);
  if (value === undefined) return {};
  if (filesIn(value).length > 0)
    report.add([...path, 'default'], 'a file cannot be a default', 'Remove the default; make it optional: File?');
  else
    for (const reason of checkValue(type, bounds, value))
      report.add([...path, 'default'], `the default: ${reason}`, 'Change the default.');
  return { default: value };
}

function checkBounds(type: ValueType, bounds: Constraints, path: Path, report: Report): void {
  const { min, max, minLength, maxLength } = bounds;
  if (min !== undefined && max !== undefined && min > max)
    report.add([...path, 'min'], `min ${min} is more than max ${max}`, 'Exchange them.');
  if (minLength !== undefined && maxLength !== undefined && minLength > maxLength) {
    report.add(
      [...path, 'min-length'],
      `min-length ${minLength} is more than max-length ${maxLength}`,
      'Exchange them.',
    );
  }
  bounds.allowed?.forEach((value, index) => {
    for (const reason of checkValue(type, {}, value))
      report.add([...path, 'allowed', index], `not of the type: ${reason}`, 'Remove it.');
  });
}
