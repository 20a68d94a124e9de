import path from 'node:path';
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { connect, type Api } from './client/api';
import { CommandError } from './client/commandError';
import { all, pages } from './client/pages';
import { followEvents, readSteps } from './client/submissions';
import { submitJob } from './commands/submit';
import { lineView } from './progressView';
import { StartError } from './startError';

/** The example that is shown, when it is there; otherwise the first job that has one. */
const PREFERRED = 'word-count';
/** Jobs are loaded from their files while the API starts. */
const EXAMPLES_MS = 10_000;
const EXAMPLES_POLL_MS = 50;
const RUN_MS = 120_000;
const SHOWN_LINES = 5;
const SHOWN_CHARACTERS = 100;

export interface FirstExampleOptions {
  /** Where the API answers. */
  readonly url: string;
  readonly print: (line: string) => void;
}

const Job = z.object({
  name: z.string(),
  source: z.string(),
  example: z.record(z.string(), z.unknown()).nullable(),
  inputs: z.array(z.object({ name: z.string(), type: z.string() })),
  outputs: z.array(z.object({ name: z.string() })),
});
type Job = z.infer<typeof Job>;

const JOBS = `query ($after: String) {
  jobs(after: $after) { nodes { name source example inputs { name type } outputs { name } } pageInfo { hasNextPage endCursor } }
}`;
const Results = z.object({
  submission: z.object({
    outputs: z.record(z.string(), z.unknown()).nullable(),
    results: z.object({
      nodes: z.array(
        z.object({ name: z.string(), stepName: z.string().nullable(), sha256: z.string(), url: z.string() }),
      ),
    }),
  }),
});
const RESULTS = `query ($id: ID!) {
  submission(id: $id) { outputs results { nodes { name stepName sha256 url } } }
}`;

/** Submits one example job on its real data and prints its steps as they go. Throws StartError with the reason. */
export async function runFirstExample({ url, print }: FirstExampleOptions): Promise<void> {
  const api = connect(url);
  try {
    await showExample(api, print);
  } catch (error) {
    throw error instanceof CommandError ? new StartError(error.lines.join(' ')) : error;
  } finally {
    await api.close();
  }
}

async function showExample(api: Api, print: (line: string) => void): Promise<void> {
  const job = await findExample(api);
  print(`A first example: "Run ${job.name}", on the data beside its definition (${shortPath(job.source)}).`);
  const inputs = exampleWords(job);
  const { id } = await submitJob(api, { job: job.name, inputs });
  const state = await follow(api, id, print);
  if (state !== 'SUCCEEDED') throw new StartError(`the example ended as ${state}`);
  await showResults(api, id, job, print);
  print('Do it again by hand:');
  print(`  npm run stepcast -- submit ${job.name} ${inputs.map((word) => `-i ${quoted(word)}`).join(' ')} --watch`);
}

async function findExample(api: Api): Promise<Job> {
  const over = Date.now() + EXAMPLES_MS;
  for (;;) {
    const jobs = (await all(pages(api, { node: Job, query: JOBS, at: ['jobs'] }))).filter(({ example }) => example);
    const found = jobs.find(({ name }) => name === PREFERRED);
    if (found) return found;
    if (Date.now() > over) {
      if (jobs[0]) return jobs[0];
      throw new StartError('no job in examples/ could be loaded; the log of the API says why');
    }
    await new Promise((resolve) => setTimeout(resolve, EXAMPLES_POLL_MS));
  }
}

/** The example as one would write it on the command line: its files lie beside the definition. */
function exampleWords({ source, example, inputs }: Job): string[] {
  return Object.entries(example ?? {}).flatMap(([name, value]) => {
    const type = inputs.find((input) => input.name === name)?.type ?? '';
    const isFile = /^File\b/.test(type);
    const word = (one: unknown): string => {
      if (typeof one !== 'string') return `${name}=${JSON.stringify(one)}`;
      return `${name}=${isFile ? shortPath(path.resolve(path.dirname(source), one)) : one}`;
    };
    return isFile && Array.isArray(value) ? value.map(word) : [word(value)];
  });
}

/** Prints the steps as they go, and returns the last state. */
async function follow(api: Api, id: string, print: (line: string) => void): Promise<string> {
  const view = lineView(await readSteps(api, id), print);
  let state = `still running after ${RUN_MS / 1_000} s`;
  for await (const event of followEvents(api, id, { signal: AbortSignal.timeout(RUN_MS) })) {
    view.event(event);
    if (event.type === 'SUBMISSION_STATE' && event.state !== null) state = event.state;
  }
  return state;
}

/** Where the results are, and how one that the job gives as its output begins. */
async function showResults(api: Api, id: string, job: Job, print: (line: string) => void): Promise<void> {
  const { outputs, results } = (await api.call(Results, RESULTS, { id })).submission;
  print('Results:');
  const width = (key: 'name' | 'stepName'): number => Math.max(0, ...results.nodes.map((one) => one[key]?.length ?? 0));
  for (const { name, stepName, url } of results.nodes) {
    print(`  ${(stepName ?? '').padEnd(width('stepName'))}  ${name.padEnd(width('name'))}  ${url}`);
  }
  const given = job.outputs.map(({ name }) => (outputs?.[name] as { sha256?: unknown } | null | undefined)?.sha256);
  const shown = given.flatMap((sha256) => results.nodes.find((one) => one.sha256 === sha256) ?? [])[0];
  if (!shown) return;
  print(`${shown.name} begins:`);
  for (const line of await firstLines(shown.url)) print(`  ${line}`);
}

async function firstLines(url: string): Promise<string[]> {
  const response = await fetch(url);
  if (!response.ok || !response.body) return [];
  const body = Readable.fromWeb(response.body as never);
  const lines: string[] = [];
  for await (const line of createInterface({ input: body })) {
    lines.push(line.slice(0, SHOWN_CHARACTERS));
    if (lines.length === SHOWN_LINES) break;
  }
  body.destroy();
  return lines;
}

function shortPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

/** Safe to paste into a shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
