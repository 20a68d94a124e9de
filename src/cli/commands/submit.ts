import { z } from 'zod';
import { refusedBy, UserErrors, type Api } from '../client/api';
import { CommandError, EXIT } from '../client/commandError';
import { uploadFile } from '../client/upload';
import { isLocalFile, readInputs, type InputValue } from '../inputValues';

const JobInputs = z.object({
  job: z.object({ inputs: z.array(z.object({ name: z.string(), type: z.string(), default: z.unknown() })) }).nullable(),
});
const JOB = 'query ($name: String!) { job(name: $name) { inputs { name type default } } }';
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
}

/** Uploads the files, submits, and returns the submission. Throws CommandError with each reason for a refusal. */
export async function submitJob(api: Api, request: SubmitRequest): Promise<{ id: string; state: string }> {
  const { job } = await api.call(JobInputs, JOB, { name: request.job });
  if (!job) {
    throw new CommandError(EXIT.refused, [
      `There is no job ${request.job} on ${api.url}: \`stepcast jobs\` lists those there are.`,
    ]);
  }
  const values = await readInputs(request.job, job.inputs, request.inputs);
  const inputs: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) inputs[name] = await sent(api, value);
  const { priority, label, idempotencyKey } = request;
  const input = { job: request.job, inputs, options: { priority, label, idempotencyKey } };
  const { submission, userErrors } = (await api.call(Submitted, SUBMIT, { input })).submitJob;
  if (!submission) throw refusedBy(userErrors);
  return submission;
}

/** The value as the server takes it: files one after the other, so that none waits half-sent. */
async function sent(api: Api, value: InputValue): Promise<unknown> {
  if (isLocalFile(value)) return { upload: await uploadFile(api, value.localPath) };
  if (!Array.isArray(value)) return value;
  const items: unknown[] = [];
  for (const item of value as readonly InputValue[]) items.push(await sent(api, item));
  return items;
}
