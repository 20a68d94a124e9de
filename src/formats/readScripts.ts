/** Reads the scripts that a file of definitions names. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { messageOf } from '../domain/errors';
import type { Source } from './parse';
import { MAX_SCRIPT_BYTES, scriptFilesNamed, type ScriptFile } from './scriptFiles';

/** The source with the scripts it names, which lie in the folder that it was found in or below. */
export async function withScripts(source: Source, folder: string): Promise<Source> {
  const scripts = new Map<string, ScriptFile>();
  for (const path of scriptFilesNamed(source.text))
    scripts.set(path, await readScript(scriptPath(source, path), folder));
  return { ...source, scripts };
}

/** Where a script lies that a source names. */
export const scriptPath = ({ name }: Source, script: string): string => resolve(dirname(name), script);

async function readScript(path: string, folder: string): Promise<ScriptFile> {
  const inside = (file: string, root: string): boolean => file.startsWith(root + sep);
  try {
    // Looked at first, so that nothing is told of files elsewhere.
    if (!inside(path, folder)) return outside(folder);
    if (!inside(await realpath(path), await realpath(folder))) return outside(folder);
    const facts = await stat(path);
    if (!facts.isFile()) return { problem: 'it is no file', hint: 'Name a file with source code.' };
    if (facts.size > MAX_SCRIPT_BYTES) {
      const hint = 'Put what it uses into a package, and its data into a File input.';
      return { problem: `it has ${facts.size} bytes; at most ${MAX_SCRIPT_BYTES} are taken`, hint };
    }
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)) };
  } catch (thrown) {
    const hint = 'The path is relative to the definition file.';
    if (isMissing(thrown)) return { problem: `there is no file ${path}`, hint };
    return { problem: `the file ${path} cannot be read: ${messageOf(thrown)}`, hint: 'It must be text in UTF-8.' };
  }
}

const outside = (folder: string): ScriptFile => ({
  problem: `the file lies outside of the folder of definitions ${folder}`,
  hint: 'Move it beside the definition file.',
});

/** Whether what was thrown says that there is no such file. */
export function isMissing(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && thrown.code === 'ENOENT';
}
