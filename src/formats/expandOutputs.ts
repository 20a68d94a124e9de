/** From the written forms of a Task's outputs to its output ports. */
import type { OutputPort } from '../domain/definitions';
import { suggestion } from '../domain/nearest';
import { optionalType, scalar, type ValueType } from '../domain/values';
import { computedOutputs } from './expandExpressionTask';
import { declaredType } from './expandPort';
import { traitsOf } from './expandTraits';
import type { Named } from './forms/form';
import type { OutputForm, TaskForm } from './forms/taskForm';
import { typeForm } from './forms/typeForm';
import { globOfPath, pathOfGlob } from './outputGlob';
import type { Report } from './problem';

/** The declared outputs, without those that only a captured stream makes. */
export function outputsOf(form: TaskForm, report: Report): OutputPort[] {
  if (form.expression) return computedOutputs(form, report);
  if (form.out && form.outputs)
    report.add(['out'], "both 'out' and 'outputs' are given", "Keep one: 'out' is the short form.");
  if (form.out) return form.out.map((glob, index) => fileOutput(`out${index + 1}`, glob, 'glob'));
  return (form.outputs ?? []).map(({ name, value: written, key }: Named<OutputForm>) => {
    const path = ['outputs', key];
    const value = returnsValues(form) ? typedOutput(written) : written;
    const isFound = value.glob !== undefined || value.path !== undefined;
    const from = value.from ?? (returnsValues(form) && !isFound ? 'value' : 'glob');
    if (from === 'value') {
      const type = declaredType(value, path, report) ?? scalar('Any');
      return { ...returnedOutput(name, value), type, ...traitsOf(value, type, path, report) };
    }
    const expected = value.path ?? (value.glob === undefined ? undefined : pathOfGlob(value.glob));
    if (value.glob === undefined && value.path === undefined && from === 'glob') {
      report.add(
        path,
        `'${name}' says neither glob, path nor from`,
        'Say where it comes from: glob: "*.txt", or from: stdout.',
      );
    }
    const type = declaredType(value, path, report) ?? TYPE_OF_READER[value.read];
    if (value.secondary && from !== 'glob')
      report.add(
        [...path, 'secondary'],
        `${from} has no files beside it`,
        'Write the output to a file: glob: "*.txt".',
      );
    return {
      name,
      description: value.description,
      type,
      ...traitsOf(value, type, path, report),
      from,
      glob: value.glob ?? globOfPath(value.path ?? name),
      path: expected ?? (from === 'glob' && value.glob !== undefined ? '' : name),
      read: value.read,
    };
  });
}

/** Whether an output that comes from no file is what the Task's code returns under its name. */
const returnsValues = (form: TaskForm): boolean =>
  form.script !== undefined || form.query !== undefined || form.request !== undefined;

/** `total: int` is the type of what is returned: no file is called so. */
function typedOutput(value: OutputForm): OutputForm {
  const { glob, type, path } = value;
  const read = glob === undefined || type || path !== undefined ? undefined : typeForm.safeParse(glob);
  return read?.success ? { ...value, glob: undefined, type: read.data } : value;
}

function returnedOutput(name: string, { description }: OutputForm): Omit<OutputPort, 'type'> {
  return { name, description, from: 'value', glob: '', path: '', read: 'json' };
}

const TYPE_OF_READER: Readonly<Record<OutputPort['read'], ValueType>> = {
  file: scalar('File'),
  text: scalar('string'),
  json: scalar('Any'),
};

function fileOutput(name: string, glob: string, from: OutputPort['from']): OutputPort {
  return { name, description: '', type: scalar('File'), from, glob, path: pathOfGlob(glob) ?? '', read: 'file' };
}

/** `stdout: counts` and `stdout: "*.count"`: the output with this name or glob takes the stream; else a new one does. */
export function captured(
  stream: 'stdout' | 'stderr',
  form: TaskForm,
  outputs: OutputPort[],
  report: Report,
): OutputPort[] {
  const target = form[stream];
  if (target === undefined) return outputs;
  const found =
    outputs.find(({ name }) => name === target.replace(/^\$\{?([\w-]+)\}?$/, '$1')) ??
    outputs.find(({ glob }) => glob === target) ??
    outputs.find((_, index) => target === `$O${index + 1}`);
  if (found) return outputs.map((output) => (output === found ? { ...output, from: stream } : output));
  if (!/[.*/]/.test(target)) {
    const names = outputs.map(({ name }) => name);
    report.add(
      [stream],
      `'${target}' is no output`,
      `${suggestion(target, names, 'outputs')} Or give a file name pattern, such as "*.txt".`,
    );
  }
  return [...outputs, fileOutput(stream, target, stream)];
}

/** Where a missing output is let pass, it may be null. */
export function maybeMissing(output: OutputPort, form: TaskForm): OutputPort {
  return form['missing-output'] === 'CONTINUE' ? { ...output, type: optionalType(output.type) } : output;
}
