import { z } from 'zod';
import type { Api } from './api';
import { CommandError, EXIT, type ExitCode } from './commandError';
import { all, pages } from './pages';
import { resumed } from './resume';

/** Failed steps that are looked at; one is the cause, and few fail beside it. */
const MAX_FAILED = 50;
const FINAL_STATES: readonly string[] = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED'];

/** Whether a submission or a step in this state has ended. */
export function isFinal(state: string | null | undefined): boolean {
  return state != null && FINAL_STATES.includes(state);
}

const SubmissionEvent = z.object({
  seq: z.number(),
  type: z.string(),
  at: z.string(),
  state: z.string().nullable(),
  stepName: z.string().nullable(),
  stepRunId: z.string().nullable(),
  percent: z.number().nullable(),
  attempt: z.number().nullable(),
  message: z.string(),
});
/** Something that happened to a submission. */
export type SubmissionEvent = z.infer<typeof SubmissionEvent>;

const Submission = z.object({
  id: z.string(),
  jobName: z.string(),
  label: z.string(),
  state: z.string(),
  message: z.string(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  outputs: z.unknown(),
});
/** A submission without its steps. Times are ISO texts. */
export type Submission = z.infer<typeof Submission>;

const Step = z.object({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  percent: z.number().nullable(),
  attempt: z.number(),
  exitCode: z.number().nullable(),
  cached: z.boolean(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  message: z.string(),
  kind: z.string().optional(),
  parentId: z.string().nullable().optional(),
  width: z.number().nullable().optional(),
  partCounts: z.record(z.string(), z.number()).nullable().optional(),
  waitsFor: z.array(z.string()).optional(),
});
/** One step of a submission as it stands; of one that has parts, how many of them stand where. */
export type Step = z.infer<typeof Step>;

const SUBMISSION_FIELDS = 'id jobName label state message createdAt startedAt finishedAt outputs';
const EVENTS = `subscription ($id: ID!, $after: Int) {
  submissionEvents(id: $id, after: $after) { seq type at state stepName stepRunId percent attempt message }
}`;
const STEPS = `query ($id: ID!, $after: String) {
  submission(id: $id) {
    steps(after: $after) {
      nodes {
        id name state percent attempt exitCode cached startedAt finishedAt message kind parentId width waitsFor
        partCounts { pending queued running retrying succeeded failed skipped cancelled }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;
const FAILED = `query ($id: ID!) {
  submission(id: $id) {
    steps(deep: true, states: [FAILED], first: ${MAX_FAILED}) {
      nodes { id name state percent attempt exitCode cached startedAt finishedAt message parentId }
    }
  }
}`;
const LATEST = `query ($job: String, $after: String) {
  submissions(job: $job, after: $after) {
    nodes { ${SUBMISSION_FIELDS} }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** One submission. Throws CommandError when there is none. */
export async function readSubmission(api: Api, id: string): Promise<Submission> {
  const query = `query ($id: ID!) { submission(id: $id) { ${SUBMISSION_FIELDS} } }`;
  return (await api.call(z.object({ submission: Submission }), query, { id })).submission;
}

/** The newest submissions, newest first. */
export async function latestSubmissions(api: Api, limit: number, job?: string): Promise<Submission[]> {
  const found: Submission[] = [];
  const query = { node: Submission, query: LATEST, variables: { job }, at: ['submissions'] };
  for await (const submission of pages(api, query)) {
    if (found.push(submission) >= limit) break;
  }
  return found;
}

/** The steps in the order of the job. */
export function readSteps(api: Api, id: string): Promise<Step[]> {
  return all(pages(api, { node: Step, query: STEPS, variables: { id }, at: ['submission', 'steps'] }));
}

/** Where the failures lie: the failed steps, elements and steps of nested jobs that have no failed part themselves. */
export async function readFailures(api: Api, id: string): Promise<Step[]> {
  const data = z.object({ submission: z.object({ steps: z.object({ nodes: z.array(Step) }) }) });
  const { nodes } = (await api.call(data, FAILED, { id })).submission.steps;
  const above = new Set(nodes.map(({ parentId }) => parentId));
  return nodes.filter((step) => !above.has(step.id));
}

export interface FollowOptions {
  readonly onLost?: () => void;
  readonly onBack?: () => void;
  readonly signal?: AbortSignal;
}

/** Every event from the first to the last, none missing and none twice, whatever reconnects in between. */
export function followEvents(api: Api, id: string, options: FollowOptions = {}): AsyncGenerator<SubmissionEvent> {
  return resumed(api, {
    ...options,
    query: EVENTS,
    data: z.object({ submissionEvents: SubmissionEvent }),
    itemOf: ({ submissionEvents }) => submissionEvents,
    variables: (last) => ({ id, after: last?.seq ?? 0 }),
    isOver: (last) => last?.type === 'SUBMISSION_STATE' && isFinal(last.state),
  });
}

/** The exit code for a submission that has ended. */
export function exitCodeOf(state: string): ExitCode {
  if (state === 'SUCCEEDED') return EXIT.ok;
  return state === 'CANCELLED' ? EXIT.cancelled : EXIT.failed;
}

/** What an id names: `Submission`, `StepRun` … Throws CommandError when it names nothing. */
export async function kindOf(api: Api, id: string): Promise<string> {
  const data = z.object({ node: z.object({ __typename: z.string() }).nullable() });
  const { node } = await api.call(data, 'query ($id: ID!) { node(id: $id) { __typename } }', { id });
  if (node) return node.__typename;
  throw new CommandError(EXIT.refused, [
    `There is nothing with the id ${id}: \`stepcast status\` lists the newest submissions.`,
  ]);
}
