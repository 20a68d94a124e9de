/** From the written forms of Schedules and Triggers to their full forms. Jobs are looked up later, by `checkFirer`. */
import {
  FIRING_FACTS,
  isPointer,
  referencesIn,
  SUBMISSION_FACTS,
  type Binding,
  type Reference,
  type ReferenceKind,
} from '../domain/binding';
import { cronProblem } from '../domain/cron';
import { unreachable } from '../domain/errors';
import type { ScheduleSpec, TriggerSpec } from '../domain/firing';
import { isTimeZone } from '../domain/zonedTime';
import type { ScheduleForm, TriggerForm } from './forms/firerForm';
import type { Path, Report } from './problem';
import { suggestion } from '../domain/nearest';

const DEFAULT_CATCH_UP_LIMIT = 100;

export function expandSchedule(form: ScheduleForm, report: Report): ScheduleSpec {
  const wrong = cronProblem(form.cron);
  if (wrong !== null) {
    const hint = "Write minute, hour, day of the month, month and day of the week, such as '30 2 * * *'; or @daily.";
    report.add(['cron'], `'${form.cron}' is no cron line: ${wrong}`, hint);
  }
  if (!isTimeZone(form['time-zone'])) {
    const hint = 'Write a name such as Europe/Stockholm, America/New_York or UTC.';
    report.add(['time-zone'], `there is no time zone '${form['time-zone']}'`, hint);
  }
  if (form['catch-up-limit'] !== undefined && form['catch-up'] !== 'ALL') {
    report.add(['catch-up-limit'], "'catch-up-limit' needs 'catch-up: ALL'", "Add 'catch-up: ALL', or remove it.", {
      isKey: true,
    });
  }
  checkReferences(form.inputs, ['firing'], report);
  return {
    ...common(form),
    cron: form.cron.trim(),
    timeZone: form['time-zone'],
    overlap: form.overlap,
    catchUp: form['catch-up'],
    catchUpLimit: form['catch-up-limit'] ?? DEFAULT_CATCH_UP_LIMIT,
    jitterSeconds: form.jitter,
  };
}

export function expandTrigger(form: TriggerForm, report: Report): TriggerSpec {
  const { webhook, after } = form;
  if ((webhook === undefined) === (after === undefined)) {
    const both = webhook !== undefined;
    const message = both ? "a trigger has 'webhook' or 'after', not both" : 'nothing says what the trigger waits for';
    report.add(both ? ['after'] : [], message, "Write 'webhook: true', or 'after: JOB'.", { isKey: both });
  }
  checkReferences(form.inputs, after ? ['firing', 'output', 'input', 'submission'] : ['firing', 'body'], report);
  return {
    ...common(form),
    on: after
      ? { kind: 'COMPLETION', job: after.job, ending: after.on }
      : { kind: 'WEBHOOK', secret: webhook?.secret ?? form.name, perMinute: webhook?.['per-minute'] ?? 1 },
  };
}

function common(form: ScheduleForm | TriggerForm) {
  const { name, description, job, inputs, priority, label, enabled } = form;
  return {
    name,
    description,
    job,
    inputs: inputs as Readonly<Record<string, Binding>>,
    priority,
    label: label ?? name,
    enabled,
  };
}

function checkReferences(
  inputs: Readonly<Record<string, Binding>>,
  kinds: readonly ReferenceKind[],
  report: Report,
): void {
  for (const { reference, path } of referencesIn(inputs)) {
    const where: Path = ['inputs', ...path];
    if (!kinds.includes(reference.kind)) {
      const hint = `There are ${kinds.map((kind) => `{${kind}: …}`).join(', ')}. A plain value of this form is {value: …}.`;
      report.add(where, `{${reference.kind}: …} has no meaning here`, hint);
      continue;
    }
    const hint = referenceHint(reference);
    if (hint !== null)
      report.add([...where, reference.kind], `{${reference.kind}: ${reference.name}} names nothing`, hint);
  }
}

/** What would be right; null when the reference is, or is checked with the Jobs. */
function referenceHint({ kind, name }: Reference): string | null {
  const among = (known: readonly string[]): string | null =>
    known.includes(name) ? null : suggestion(name, known, 'names');
  switch (kind) {
    case 'firing':
      return among(FIRING_FACTS);
    case 'submission':
      return among(SUBMISSION_FACTS);
    case 'body':
      return isPointer(name) ? null : "Write a JSON pointer such as /order/id; '' is the whole body.";
    case 'output':
    case 'input':
      return null;
    default:
      return unreachable(kind);
  }
}
