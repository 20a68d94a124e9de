import type { Api } from '../client/api';
import { latestSubmissions, readSteps, readSubmission, type Step } from '../client/submissions';
import { shortValue, took } from '../format';
import { duration } from '../progressView';
import { table, type Terminal } from '../terminal';

/** Shows the newest submissions, newest first. */
export async function listSubmissions(
  api: Api,
  terminal: Terminal,
  options: { readonly limit: number; readonly job?: string; readonly json: boolean },
): Promise<void> {
  const submissions = await latestSubmissions(api, options.limit, options.job);
  if (options.json) {
    terminal.print(JSON.stringify(submissions));
    return;
  }
  const rows = submissions.map((one) => [one.id, one.jobName, one.state, took(one), since(one.createdAt), one.label]);
  for (const line of table(['ID', 'JOB', 'STATE', 'TOOK', 'SUBMITTED', 'LABEL'], rows)) terminal.print(line);
}

/** Shows one submission with its steps. */
export async function showSubmission(api: Api, terminal: Terminal, id: string, json: boolean): Promise<void> {
  const submission = await readSubmission(api, id);
  const steps = await readSteps(api, id);
  if (json) {
    terminal.print(JSON.stringify({ ...submission, steps }));
    return;
  }
  const { jobName, state, message, label, createdAt, outputs } = submission;
  const about = label === '' ? '' : `  "${label}"`;
  terminal.print(`${jobName}  ${state}  ${took(submission)}  submitted ${since(createdAt)}${about}`);
  if (message !== '') terminal.print(message);
  terminal.print('');
  const rows = steps.map((step) => [step.name, progressOf(step), took(step), step.id, messageOf(step)]);
  for (const line of table(['STEP', 'STATE', 'TOOK', 'ID', 'MESSAGE'], rows)) terminal.print(line);
  if (outputs === null || outputs === undefined) return;
  terminal.print('');
  for (const [name, value] of Object.entries(outputs)) terminal.print(`${name} = ${shortValue(value)}`);
}

function progressOf({ state, percent, cached, attempt, partCounts }: Step): string {
  const notes = [
    ...(partCounts ? partNotes(partCounts) : []),
    ...(state === 'RUNNING' && percent !== null ? [`${percent} %`] : []),
    ...(cached ? ['reused'] : []),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
  ];
  return [state, ...notes].join(', ');
}

/** What it says; of a ready step why it does not start. */
function messageOf({ message, waitsFor = [] }: Step): string {
  return message === '' && waitsFor.length > 0 ? `waits: ${waitsFor.join('; ')}` : message;
}

function since(time: string): string {
  return `${duration(Date.now() - Date.parse(time))} ago`;
}

/** `12/300`, and how many of them failed: the parts of a scatter or a nested job. */
function partNotes(counts: Readonly<Record<string, number>>): string[] {
  const { succeeded = 0, skipped = 0, failed = 0 } = counts;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [`${succeeded + skipped}/${total}`, ...(failed > 0 ? [`failed ${failed}`] : [])];
}
