import { z } from 'zod';
import { refusedBy, UserErrors, type Api } from '../client/api';
import { CommandError, EXIT } from '../client/commandError';
import { createSender } from '../client/send';
import { readInputs, type InputPort } from '../inputValues';

/** An input of a job, as the server tells of it. */
export const InputPortForm = z.object({
  name: z.string(),
  type: z.string(),
  default: z.unknown(),
  secondaryFiles: z.array(z.string()),
});
const JobInputs = z.object({
  job: z.object({ inputs: z.array(InputPortForm) }).nullable(),
});
const JOB = 'query ($name: String!) { job(name: $name) { inputs { name type default secondaryFiles } } }';
const SUBMIT = `mutation ($input: SubmitJobInput!) {
  submitJob(input: $input) { submission { id state } userErrors { code message field } }
}`;
const Submitted = z.object({
  submitJob: z.object({
    submission: z.object({ id: z.string(), state: z.string() }).nullable(),
    userErrors: UserErrors,
  }),
});

export interface SubmitRequest {
  readonly job: string;
  /** `name=value` words. */
  readonly inputs: readonly string[];
  readonly priority?: string;
  readonly label?: string;
  readonly idempotencyKey?: string;
  /** False: every step runs. */
  readonly reuse?: boolean;
}

/** The inputs of a job. Throws CommandError when there is no such job. */
export async function inputsOf(api: Api, name: string): Promise<readonly InputPort[]> {
  const { job } = await api.call(JobInputs, JOB, { name });
  if (job) return job.inputs;
  throw new CommandError(EXIT.refused, [
    `There is no job ${name} on ${api.url}: \`stepcast jobs\` lists those there are.`,
  ]);
}

/** Uploads the files, submits, and returns the submission. Throws CommandError with each reason for a refusal. */
export async function submitJob(api: Api, request: SubmitRequest): Promise<{ id: string; state: string }> {
  const values = await readInputs(request.job, await inputsOf(api, request.job), request.inputs);
  const inputs = await createSender(api)(values);
  const { priority, label, idempotencyKey, reuse } = request;
  const input = { job: request.job, inputs, options: { priority, label, idempotencyKey, reuse } };
  const { submission, userErrors } = (await api.call(Submitted, SUBMIT, { input })).submitJob;
  if (!submission) throw refusedBy(userErrors);
  return submission;
}
