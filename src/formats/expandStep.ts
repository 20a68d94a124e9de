/** From the written form of a Step to its full form, as far as what it runs is not needed. */
import type { Link, PlainLink, Run, Source, StepSpec, When } from '../domain/definitions';
import type { OrderedStepForm, StepForm } from './forms/jobForm';
import type { LinkForm, SourcesForm } from './forms/linkForm';

/** A Step as written, without what follows from its Task or Job. */
export function stepOf(name: string, form: StepForm | OrderedStepForm): StepSpec {
  return {
    name,
    run: runOf(form),
    links: Object.fromEntries(Object.entries(form.in).map(([port, link]) => [port, linkOf(link)])),
    after: form.after,
    ...(form.when ? { when: whenOf(form.when) } : {}),
    ...(form.scatter ? { scatter: form.scatter } : {}),
  };
}

function runOf(form: StepForm | OrderedStepForm): Run {
  if ('job' in form && form.job !== undefined) return { kind: 'job', job: form.job };
  return { kind: 'task', task: form.task ?? '' };
}

function whenOf(form: NonNullable<StepForm['when']>): When {
  return 'expression' in form
    ? { kind: 'expression', expression: form.expression }
    : { kind: 'exit', step: form.step, exitCodes: form['exit-code'] };
}

function linkOf(form: LinkForm): Link {
  if ('expression' in form)
    return { kind: 'expression', expression: form.expression, source: form.from ? sourceLink(form.from) : null };
  if ('value' in form) return { kind: 'value', value: form.value };
  if ('glob' in form) return { kind: 'glob', glob: form.glob, steps: form.steps ?? [], inputs: form.inputs };
  return sourceLink(form);
}

/** One source stands for itself, unless something is to be done with it. */
export function sourceLink({ sources, merge, pick }: SourcesForm): Source | Extract<PlainLink, { kind: 'merge' }> {
  const [only] = sources;
  if (only !== undefined && sources.length === 1 && merge === undefined && pick === undefined) return sourceOf(only);
  // To pick from one list means to pick among its items.
  const how = merge ?? (sources.length === 1 ? 'flat' : 'nested');
  return { kind: 'merge', sources: sources.map(sourceOf), how, ...(pick === undefined ? {} : { pick }) };
}

function sourceOf(text: string): Source {
  const [first = '', port] = text.split('.');
  return port === undefined ? { kind: 'input', input: first } : { kind: 'output', step: first, port };
}
