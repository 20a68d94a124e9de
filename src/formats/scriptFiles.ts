/** Source code that stands in a file of its own beside the definitions: `script: {file: model.py}`, `query: {file: clean.sql}`. */
import { basename } from 'node:path';
import { isPlainObject } from './forms/form';
import type { Report } from './problem';
import { readYaml } from './yamlSource';

/** A script of so many bytes is taken; more is data. */
export const MAX_SCRIPT_BYTES = 512 * 1024;
/** Scripts that one file of definitions may name. */
export const MAX_SCRIPT_FILES = 200;

/** What was found under a name, or why it is not taken. */
export type ScriptFile = { readonly text: string } | { readonly problem: string; readonly hint: string };

/** By the path as it is written. */
export type ScriptFiles = ReadonlyMap<string, ScriptFile>;

/** The keys of a Task that may name such a file. */
const SOURCE_KEYS = ['script', 'query'] as const;

/** The source of a Task's script or query; what is wrong with its file goes to the report. */
export function scriptOf(
  key: (typeof SOURCE_KEYS)[number],
  script: string | { readonly file: string },
  files: ScriptFiles | undefined,
  report: Report,
): { readonly source: string; readonly file?: string } {
  if (typeof script === 'string') return { source: script };
  const path = [key, 'file'];
  const found = files?.get(script.file);
  if (!files) {
    report.add(path, 'only a definition file can name a file beside it', `Give the source itself: '${key}: …'.`);
  } else if (!found) {
    const hint = `At most ${MAX_SCRIPT_FILES} are read for one definition file.`;
    report.add(path, `'${script.file}' was not read`, hint);
  } else if ('problem' in found) report.add(path, found.problem, found.hint);
  const source = found && 'text' in found ? found.text : '';
  return { source, file: basename(script.file) };
}

/** The files that the tasks of a text name, as they are written; none for a text that cannot be read. */
export function scriptFilesNamed(text: string): string[] {
  if (!/\bfile\b/.test(text) || !/\b(script|query)\b/.test(text)) return [];
  const named = new Set<string>();
  const look = (task: unknown): void => {
    for (const key of SOURCE_KEYS) {
      const source = isPlainObject(task) ? task[key] : undefined;
      const file = isPlainObject(source) ? source.file : undefined;
      if (typeof file === 'string' && file !== '' && named.size < MAX_SCRIPT_FILES) named.add(file);
    }
  };
  for (const document of documentsOf(text)) {
    if (!isPlainObject(document)) continue;
    look(document);
    if (isPlainObject(document.tasks)) Object.values(document.tasks).forEach(look);
    else if (Array.isArray(document.tasks)) document.tasks.forEach(look);
  }
  return [...named];
}

/** What is wrong with them is told where they are parsed for good. */
function documentsOf(text: string): unknown[] {
  const yaml = readYaml(text);
  return yaml.ok ? yaml.documents.map(({ value }) => value) : [];
}
