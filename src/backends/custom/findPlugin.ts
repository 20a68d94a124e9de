/** Where a plug-in lies that is called by its name. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { messageOf, StepcastError } from '../../domain/errors';

export interface FoundPlugin {
  /** Its module. */
  readonly file: string;
  /** As its package says; null for a single file. */
  readonly version: string | null;
}

const ENDINGS = ['.mjs', '.cjs', '.js'];
/** A package that is installed beside Stepcast's own must say that it is meant for this. */
export const KEYWORD = 'stepcast-backend';
/** In which an entry of `exports` is looked for. */
const CONDITIONS = ['node', 'import', 'default', 'require'];

/** The parts of a package.json that matter here. */
interface Manifest {
  readonly version?: string;
  readonly main?: string;
  readonly exports?: unknown;
  readonly keywords?: readonly string[];
}

/**
 * A file or package in the folder of plug-ins, a package installed there, or one installed with Stepcast that carries the
 * keyword. Throws CONFIGURATION when there is none.
 */
export function findPlugin(name: string, folder: string, installedFrom: string = __dirname): FoundPlugin {
  for (const ending of name.includes('/') ? [] : ENDINGS) {
    const file = join(folder, name + ending);
    if (isFile(file)) return { file, version: null };
  }
  for (const place of [join(folder, name), join(folder, 'node_modules', name)]) {
    if (existsSync(place)) return entryOf(place, name);
  }
  for (let above = installedFrom; dirname(above) !== above; above = dirname(above)) {
    const place = join(above, 'node_modules', name);
    if (!existsSync(place)) continue;
    if (manifestOf(place).keywords?.includes(KEYWORD)) return entryOf(place, name);
    throw unusable(name, `the package in ${place} does not say that it is one: its keywords lack "${KEYWORD}"`);
  }
  throw new StepcastError(
    'CONFIGURATION',
    `There is no plug-in ${name} on this worker. Put ${name}.mjs or a package of this name into ${folder}.`,
  );
}

function entryOf(place: string, name: string): FoundPlugin {
  const { version = null, main, exports } = manifestOf(place);
  const told = entryIn(exports) ?? main;
  const candidates = told === undefined ? ENDINGS.map((ending) => `index${ending}`) : [told, `${told}.js`];
  const file = candidates.map((one) => resolve(place, one)).find(isFile);
  if (file === undefined) throw unusable(name, `${place} has no ${candidates.join(' or ')}`);
  if (!file.startsWith(place + sep)) throw unusable(name, `its entry ${file} lies outside of it`);
  return { file, version };
}

/** The main entry in what a package exports: a path, conditions, or either under `.`. */
function entryIn(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const table = exports as Readonly<Record<string, unknown>>;
  if ('.' in table) return entryIn(table['.']);
  for (const condition of CONDITIONS) {
    const found = entryIn(table[condition]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function manifestOf(place: string): Manifest {
  const path = join(place, 'package.json');
  if (!isFile(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  } catch (error) {
    throw new StepcastError('CONFIGURATION', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** A plug-in that is there and cannot be used. */
export const unusable = (name: string, why: string, cause?: unknown): StepcastError =>
  new StepcastError('CONFIGURATION', `The plug-in ${name} cannot be used: ${why}.`, { cause });
