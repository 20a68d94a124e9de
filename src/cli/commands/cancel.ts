import { z } from 'zod';
import { refusedBy, UserErrors, type Api } from '../client/api';
import { kindOf } from '../client/submissions';
import type { Terminal } from '../terminal';

const CANCEL = `mutation ($input: CancelSubmissionInput!) {
  done: cancelSubmission(input: $input) { entity: submission { id state } userErrors { code message field } }
}`;
const CANCEL_STEP = `mutation ($input: CancelStepRunInput!) {
  done: cancelStepRun(input: $input) { entity: stepRun { id state } userErrors { code message field } }
}`;
const Cancelled = z.object({
  done: z.object({
    entity: z.object({ id: z.string(), state: z.string() }).nullable(),
    userErrors: UserErrors,
  }),
});

/** Cancels a submission, or one step run of it. Throws CommandError when there is nothing to cancel. */
export async function cancel(
  api: Api,
  terminal: Terminal,
  input: { readonly id: string; readonly reason?: string },
  json: boolean,
): Promise<void> {
  const operation = (await kindOf(api, input.id)) === 'StepRun' ? CANCEL_STEP : CANCEL;
  const { entity, userErrors } = (await api.call(Cancelled, operation, { input })).done;
  if (userErrors.length > 0 || !entity) throw refusedBy(userErrors);
  terminal.print(json ? JSON.stringify(entity) : entity.state);
}
