/** From an earlier Submission, and what shall be different, to a new request. */
import type { PlanNode } from '../../src/domain/compileJob';
import { UserErrors, userError } from '../../src/domain/errors';
import { topLevelStep } from '../../src/domain/rerun';
import type { JobVersion } from '../../src/engine/plans';
import { submissionTimeout } from '../../src/store/statements/resume';
import type { Context } from '../context';
import { fromId } from '../relay/ids';
import type { RerunSubmissionInput } from './inputs';
import * as reads from './reads';
import { jobByName, type JobRequest } from './submitJobs';

const FIELD = ['input'] as const;

/** Throws NOT_FOUND when there is no such Submission, and UserErrors for what the caller can mend. */
export async function rerunRequest({ services }: Context, input: RerunSubmissionInput): Promise<JobRequest> {
  const { db, plans } = services;
  const key = fromId('Submission', input.id);
  const earlier = await reads.getSubmission(db, key);
  const latest = input.latest === true;
  const version = latest
    ? jobByName(services, earlier.jobName, [...FIELD, 'latest'])
    : await plans.byId(earlier.jobVersionId);
  const timeout = await submissionTimeout(db, key);
  // The Job's own timeout holds by itself.
  const asked = latest || timeout === version.plan.job.timeoutSeconds ? null : timeout;
  const inputs = input.inputs ?? {};
  if (typeof inputs !== 'object' || Array.isArray(inputs))
    throw userError('BAD_INPUT', 'inputs is an object with a value for each input that changes.', [...FIELD, 'inputs']);
  const steps = [...new Set(input.from ?? [])];
  checkSteps(version, steps);
  // From the first ones on, that is every step.
  const all = input.reuse === false ? version.plan.nodes.filter(isFirst).map(({ name }) => name) : [];
  return {
    version,
    inputs: inputs as Readonly<Record<string, unknown>>,
    again: {
      submissionKey: key,
      inputs: (await reads.submissionValues(db, key, 'inputs')) ?? {},
      steps: [...steps, ...all],
    },
    options: {
      priority: input.priority ?? earlier.priority,
      label: input.label ?? earlier.label,
      idempotencyKey: input.idempotencyKey,
      reuse: input.reuse,
      timeoutSeconds: input.timeoutSeconds ?? asked,
    },
    field: FIELD,
    fieldOf: (name) => [...FIELD, 'inputs', name],
  };
}

const isFirst = ({ predecessors }: PlanNode): boolean => predecessors.length === 0;

function checkSteps({ plan }: JobVersion, steps: readonly string[]): void {
  const names = new Set(plan.nodes.map(({ name }) => name));
  const errors = steps.flatMap((step, index) => {
    if (names.has(step)) return [];
    const whole = topLevelStep(step);
    const hint = names.has(whole)
      ? `"${step.slice(0, MAX_TEXT)}" is a part of step "${whole}"; name the step itself.`
      : `Job "${plan.job.name}" has no step ${JSON.stringify(step.slice(0, MAX_TEXT))}; it has: ${some([...names])}.`;
    return [{ code: 'BAD_INPUT' as const, message: hint, field: [...FIELD, 'from', String(index)] }];
  });
  if (errors.length > 0) throw new UserErrors(errors.slice(0, MAX_ERRORS));
}

/** A name in an error message is cut here. */
const MAX_TEXT = 200;
const MAX_ERRORS = 20;
const MAX_NAMES = 20;

const some = (names: readonly string[]): string =>
  names.length <= MAX_NAMES
    ? names.join(', ')
    : `${names.slice(0, MAX_NAMES).join(', ')} and ${names.length - MAX_NAMES} more`;
