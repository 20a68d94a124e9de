import { z } from 'zod';
import { refusedBy, UserErrors, type Api } from '../client/api';
import { CommandError, EXIT } from '../client/commandError';
import { createSender } from '../client/send';
import { readInputs } from '../inputValues';
import { InputPortForm, inputsOf } from './submit';

const EARLIER = `query ($id: ID!) { submission(id: $id) {
  jobName job { inputs { name type default secondaryFiles } }
} }`;
const Earlier = z.object({
  submission: z.object({ jobName: z.string(), job: z.object({ inputs: z.array(InputPortForm) }) }).nullable(),
});
const RERUN = `mutation ($input: RerunSubmissionInput!) {
  rerunSubmission(input: $input) { submission { id state } userErrors { code message field } }
}`;
const Rerun = z.object({
  rerunSubmission: z.object({
    submission: z.object({ id: z.string(), state: z.string() }).nullable(),
    userErrors: UserErrors,
  }),
});

export interface RerunRequest {
  readonly id: string;
  /** Names of steps that run in any case. */
  readonly from: readonly string[];
  /** `name=value` words of the inputs that change. */
  readonly inputs: readonly string[];
  readonly latest?: boolean;
  readonly priority?: string;
  readonly label?: string;
  readonly idempotencyKey?: string;
}

/** Runs a submission again, as a new one, and returns that. Throws CommandError with each reason for a refusal. */
export async function rerunSubmission(
  api: Api,
  { inputs: words, from, ...request }: RerunRequest,
): Promise<{ id: string; state: string }> {
  let inputs = {};
  if (words.length > 0) {
    const { submission } = await api.call(Earlier, EARLIER, { id: request.id });
    if (!submission) throw new CommandError(EXIT.refused, [`There is no submission ${request.id}.`]);
    const ports = request.latest ? await inputsOf(api, submission.jobName) : submission.job.inputs;
    inputs = await createSender(api)(await readInputs(submission.jobName, ports, words));
  }
  const input = { ...request, from, inputs };
  const { submission, userErrors } = (await api.call(Rerun, RERUN, { input })).rerunSubmission;
  if (!submission) throw refusedBy(userErrors);
  return submission;
}
