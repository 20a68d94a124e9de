/** The inputs of one firing: references replaced by what is known now. */
import { bind, referencesIn, type BindingContext } from '../../src/domain/binding';
import { latestFirings } from '../../src/domain/cron';
import type { ScheduleSpec, TriggerSpec } from '../../src/domain/firing';
import { heldValue } from '../../src/intake/heldValue';
import type { Services } from '../context';
import { findSubmission, submissionValues } from '../submissions/reads';
import { toId } from '../relay/ids';

/** How far back the time before a firing is looked for. */
const PREVIOUS_WITHIN_MS = 10 * 366 * 86_400_000;

/** What a firing brings along beside its definition. */
export interface FiringFacts {
  /** Milliseconds. */
  readonly time: number;
  readonly body: string | null;
  readonly sourceId: string | null;
}

/** Null: the Submission whose end it is was deleted. */
export async function boundInputs(
  { db }: Services,
  spec: ScheduleSpec | TriggerSpec,
  { time, body, sourceId }: FiringFacts,
): Promise<Readonly<Record<string, unknown>> | null> {
  const source = sourceId === null ? null : await findSubmission(db, sourceId);
  if (source === null && 'on' in spec && spec.on.kind === 'COMPLETION') return null;
  const context: BindingContext = {
    firing: { time, previous: previousTime(spec, time), timeZone: 'cron' in spec ? spec.timeZone : 'UTC' },
    ...(body === null ? {} : { body: JSON.parse(body) as unknown }),
    ...(source === null
      ? {}
      : {
          submission: {
            facts: {
              id: toId('Submission', source.id),
              state: source.state,
              label: source.label,
              job: source.jobName,
            },
            inputs: (await submissionValues(db, source.id, 'inputs')) ?? {},
            outputs: await submissionValues(db, source.id, 'outputs'),
          },
        }),
  };
  return bind(spec.inputs, context, heldValue) as Readonly<Record<string, unknown>>;
}

/** Looked for only when an input asks for it. */
function previousTime(spec: ScheduleSpec | TriggerSpec, time: number): number | null {
  const isAsked = referencesIn(spec.inputs).some(({ reference }) => reference.name === 'previous');
  if (!('cron' in spec) || !isAsked) return null;
  return latestFirings(spec, time - PREVIOUS_WITHIN_MS, time - 1, 1).instants[0] ?? null;
}
