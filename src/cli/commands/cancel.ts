import { z } from 'zod';
import { refusedBy, UserErrors, type Api } from '../client/api';
import type { Terminal } from '../terminal';

const CANCEL = `mutation ($input: CancelSubmissionInput!) {
  cancelSubmission(input: $input) { submission { id state } userErrors { code message field } }
}`;
const Cancelled = z.object({
  cancelSubmission: z.object({
    submission: z.object({ id: z.string(), state: z.string() }).nullable(),
    userErrors: UserErrors,
  }),
});

/** Cancels a submission. Throws CommandError when there is nothing to cancel. */
export async function cancelSubmission(
  api: Api,
  terminal: Terminal,
  input: { readonly id: string; readonly reason?: string },
  json: boolean,
): Promise<void> {
  const { submission, userErrors } = (await api.call(Cancelled, CANCEL, { input })).cancelSubmission;
  if (userErrors.length > 0 || !submission) throw refusedBy(userErrors);
  terminal.print(json ? JSON.stringify(submission) : submission.state);
}
