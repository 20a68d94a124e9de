/** From the written form of a Step to its full form, as far as its Task is not needed. */
import type { Link, StepSpec, TaskSpec } from '../domain/definitions';
import type { LinkForm, StepForm } from './forms/jobForm';

export type TaskByName = ReadonlyMap<string, TaskSpec>;

/** A Step as written, without what follows from its Task. */
export function stepOf(name: string, form: Omit<StepForm, 'order'>): StepSpec {
  return {
    name,
    task: form.task,
    links: Object.fromEntries(Object.entries(form.in).map(([port, link]) => [port, linkOf(link)])),
    after: form.after,
    ...(form.when ? { when: { step: form.when.step, exitCodes: form.when['exit-code'] } } : {}),
  };
}

function linkOf(form: LinkForm): Link {
  if ('value' in form) return { kind: 'value', value: form.value };
  if ('glob' in form) return { kind: 'glob', glob: form.glob, steps: form.steps ?? [], inputs: form.inputs };
  const [first = '', port] = form.from.split('.');
  return port === undefined ? { kind: 'input', input: first } : { kind: 'output', step: first, port };
}
