import { z } from 'zod';
import { refusedBy, UserErrors, type Api } from '../client/api';
import type { Terminal } from '../terminal';

const RESUME = `mutation ($input: ResumeSubmissionInput!) {
  resumeSubmission(input: $input) { submission { id state } reopened userErrors { code message field } }
}`;
const Resumed = z.object({
  resumeSubmission: z.object({
    submission: z.object({ id: z.string(), state: z.string() }).nullable(),
    reopened: z.number(),
    userErrors: UserErrors,
  }),
});

/** Resumes a submission that failed or was cancelled. Throws CommandError when it cannot be resumed. */
export async function resumeSubmission(api: Api, terminal: Terminal, id: string, json: boolean): Promise<void> {
  const { submission, reopened, userErrors } = (await api.call(Resumed, RESUME, { input: { id } })).resumeSubmission;
  if (userErrors.length > 0 || !submission) throw refusedBy(userErrors);
  terminal.print(
    json
      ? JSON.stringify({ ...submission, reopened })
      : `Resumed: ${reopened} ${reopened === 1 ? 'step run goes' : 'step runs go'} on, what succeeded stays.`,
  );
}
