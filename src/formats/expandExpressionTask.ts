/** Tasks that compute their outputs inside the worker, without a process. */
import type { Command, OutputPort } from '../domain/definitions';
import type { Expression } from '../domain/expression';
import { inputFaults } from '../domain/stepExpressions';
import { scalar } from '../domain/values';
import { declaredType } from './expandPort';
import type { TaskForm } from './forms/taskForm';
import type { Report } from './problem';

/** Keys that speak of a process. */
const PROCESS_KEYS = ['command', 'script', 'query', 'request', 'stdin', 'stdout', 'stderr', 'in', 'out'] as const;

export function computedCommand(form: TaskForm, expression: Expression, report: Report): Command {
  for (const key of PROCESS_KEYS) {
    if (form[key] === undefined) continue;
    report.add([key], `'${key}' and 'expression' are both given`, 'A task runs a command or computes its outputs.');
  }
  if ((form.outputs ?? []).length === 0)
    report.add(
      ['expression'],
      'the task has no outputs',
      'Name what the expression gives: outputs: { total: { type: int } }.',
    );
  const names = [...(form.inputs ?? []), ...(form.parameters ?? [])].map(({ name }) => name);
  const faults = inputFaults(expression, names, (name) => `Declare it: inputs: { ${name}: … }.`);
  for (const { message, hint } of faults) report.add(['expression'], message, hint);
  return { kind: 'expression', expression };
}

export function computedOutputs(form: TaskForm, report: Report): OutputPort[] {
  return (form.outputs ?? []).map(({ name, value, key }) => {
    const path = ['outputs', key];
    for (const word of ['from', 'glob', 'path'] as const) {
      if (value[word] === undefined) continue;
      report.add(
        [...path, word],
        `'${name}' is computed and comes from no file`,
        `Give its type: ${name}: { type: int }.`,
      );
    }
    return {
      name,
      description: value.description,
      type: declaredType(value, path, report) ?? scalar('Any'),
      from: 'value',
      glob: '',
      path: '',
      read: 'json',
    };
  });
}
