import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UserErrors, type Api } from '../client/api';
import { CommandError, EXIT } from '../client/commandError';
import type { Terminal } from '../terminal';

const MAX_FILES = 2_000;
/** Data lies beside definitions and is none. */
const IGNORED_FOLDERS = ['data', 'node_modules'];

const Names = z.array(z.object({ name: z.string() }));
const Applied = z.object({
  applyDefinitions: z.object({ backends: Names, tasks: Names, jobs: Names, userErrors: UserErrors }),
});
const APPLY = `mutation ($input: ApplyDefinitionsInput!) {
  applyDefinitions(input: $input) {
    backends { name } tasks { name } jobs { name } userErrors { code message field }
  }
}`;

/** A file and the line of the whole text at which it starts, from 1. */
interface Part {
  readonly file: string;
  readonly firstLine: number;
}

/** Sends every definition file at once: files may use each other's tasks, and all of them apply or none. */
export async function applyFolder(api: Api, terminal: Terminal, folder: string, json: boolean): Promise<void> {
  const files = await definitionFiles(folder);
  if (files.length === 0) throw new CommandError(EXIT.refused, [`There is no *.yaml file in ${folder}.`]);
  const { source, parts } = await joined(files);
  const { backends, tasks, jobs, userErrors } = (await api.call(Applied, APPLY, { input: { source } }))
    .applyDefinitions;
  if (userErrors.length > 0) {
    throw new CommandError(
      EXIT.failed,
      userErrors.map(({ message }) => placed(message, parts)),
    );
  }
  if (json) {
    terminal.print(JSON.stringify({ backends, tasks, jobs }));
    return;
  }
  const changed = { backend: backends, task: tasks, job: jobs };
  for (const [kind, names] of Object.entries(changed)) {
    for (const { name } of names) terminal.print(`${kind} ${name}`);
  }
  if (backends.length + tasks.length + jobs.length === 0) terminal.print('Nothing has changed.');
}

async function definitionFiles(folder: string): Promise<string[]> {
  const found = await stat(folder).catch(() => undefined);
  if (!found) throw new CommandError(EXIT.refused, [`There is no folder ${folder}.`]);
  if (found.isFile()) return [folder];
  const files: string[] = [];
  const collect = async (dir: string): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const full = path.join(dir, entry.name);
      if (entry.isDirectory()) {
        if (!IGNORED_FOLDERS.includes(entry.name) && !entry.name.startsWith('.')) await collect(full);
      } else if (/\.ya?ml$/.test(entry.name) && files.push(full) > MAX_FILES) {
        throw new CommandError(EXIT.refused, [`There are more than ${MAX_FILES} definition files in ${folder}.`]);
      }
    }
  };
  await collect(folder);
  return files;
}

async function joined(files: readonly string[]): Promise<{ source: string; parts: readonly Part[] }> {
  const parts: Part[] = [];
  const texts: string[] = [];
  let line = 1;
  for (const file of files) {
    const text = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '').replace(/\n?$/, '\n');
    parts.push({ file, firstLine: line });
    texts.push(text);
    // One more for the line that divides it from the next.
    line += text.split('\n').length;
  }
  return { source: texts.join('---\n'), parts };
}

/** The server counts lines in the whole text; people look into files. */
function placed(message: string, parts: readonly Part[]): string {
  return message.replace(/^source:(\d+):/, (whole, text: string) => {
    const line = Number(text);
    const part = parts.findLast(({ firstLine }) => firstLine <= line);
    return part ? `${part.file}:${line - part.firstLine + 1}:` : whole;
  });
}
