import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { reasonOf, type Api } from '../client/api';
import { CommandError, EXIT } from '../client/commandError';
import { all, pages } from '../client/pages';
import type { Terminal } from '../terminal';

const Result = z.object({
  id: z.string(),
  name: z.string(),
  stepName: z.string().nullable(),
  size: z.number(),
  sha256: z.string(),
  url: z.string(),
});
type Result = z.infer<typeof Result>;

const RESULTS = `query ($id: ID!, $after: String) {
  submission(id: $id) {
    results(after: $after) { nodes { id name stepName size sha256 url } pageInfo { hasNextPage endCursor } }
  }
}`;
const FRESH_LINK = 'query ($id: ID!) { node(id: $id) { ... on Artifact { url } } }';

export interface ResultsOptions {
  readonly api: Api;
  readonly terminal: Terminal;
  readonly folder: string;
  /** Replace files that are there. */
  readonly force: boolean;
  readonly json: boolean;
}

/**
 * Streams every result to `<folder>/<step>/<name>` and checks its content; those of elements and of nested jobs lie in
 * folders below their step, such as `align/12/` and `per-sample/12/align/`. Throws CommandError.
 */
export async function fetchResults(id: string, options: ResultsOptions): Promise<void> {
  const { api, terminal } = options;
  const taken = new Set<string>();
  const query = { node: Result, query: RESULTS, variables: { id }, at: ['submission', 'results'] };
  const files = (await all(pages(api, query))).map((result) => ({
    result,
    target: targetOf(result, options.folder, taken),
  }));
  // Before the first byte: half a set of results in the place of another would mislead.
  for (const { target } of options.force ? [] : files) {
    if (!(await exists(target))) continue;
    throw new CommandError(EXIT.failed, [
      `${target} is there already, and nothing was fetched: choose another folder, or add --force.`,
    ]);
  }
  for (const { result, target } of files) {
    await download(api, result, target);
    if (options.json) terminal.print(JSON.stringify({ ...result, url: undefined, path: target }));
    else terminal.print(target);
  }
  if (files.length === 0) terminal.hint('This submission has no result files (yet).');
}

/** Never outside the folder, whatever the server calls the file. Equal names of one step get a folder each. */
function targetOf({ name, stepName }: Result, folder: string, taken: Set<string>): string {
  const steps = stepFolders(stepName ?? 'inputs').map(plainName);
  const file = plainName(name);
  for (let n = 1; ; n += 1) {
    const target = path.join(folder, ...steps, ...(n === 1 ? [] : [String(n)]), file);
    if (taken.has(target)) continue;
    taken.add(target);
    return target;
  }
}

/** `per-sample[12]/align` gives `per-sample`, `12`, `align`. Names of steps begin with a letter: nothing clashes. */
function stepFolders(stepName: string): string[] {
  return stepName.split('/').flatMap((part) => {
    const [, step, index] = /^([^[\]]+)\[(\d+)\]$/.exec(part) ?? [];
    return step === undefined || index === undefined ? [part] : [step, index];
  });
}

function plainName(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) {
    throw new CommandError(EXIT.failed, [`The server names a file ${JSON.stringify(name)}, which is no file name.`]);
  }
  return name;
}

async function download(api: Api, result: Result, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  const part = `${target}.${process.pid}.part`;
  try {
    const found = await fetchContent(api, result, part);
    if (found !== result.sha256) {
      throw new CommandError(EXIT.failed, [`${target} did not arrive whole: its SHA-256 is ${found}. Try again.`]);
    }
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof CommandError) throw error;
    throw new CommandError(EXIT.failed, [`${target} could not be fetched (${reasonOf(error)}).`]);
  }
}

/** Streams the content to a file and returns its hex SHA-256. */
async function fetchContent(api: Api, { id, url, name }: Result, file: string): Promise<string> {
  let response = await fetch(url);
  if (response.status === 403) {
    // Links are good for a while only, and earlier files may have taken that long.
    const fresh = z.object({ node: z.object({ url: z.string() }).nullable() });
    response = await fetch((await api.call(fresh, FRESH_LINK, { id })).node?.url ?? url);
  }
  if (!response.ok || !response.body) {
    throw new CommandError(EXIT.failed, [`${name} could not be fetched: the server answered HTTP ${response.status}.`]);
  }
  const hash = createHash('sha256');
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body as never), measure, createWriteStream(file));
  return hash.digest('hex');
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
