/** Definition files on disk as a source of definitions: loaded at the start, applied again after each change. */
import { relative, resolve } from 'node:path';
import { messageOf } from '../../src/domain/errors';
import type { DefinitionSet } from '../../src/domain/definitions';
import { define, type DefinitionProblem, type SourceSet } from '../../src/engine/define';
import type { Catalog } from '../../src/engine/catalog';
import { readDefinitions, scriptPaths, watchDefinitions, type DefinitionFile } from '../../src/formats/folder';
import { parseSources, type Parsed, type Source } from '../../src/formats/parse';
import { formatProblem, type Problem } from '../../src/formats/problem';
import { scriptFaults, type CheckScript } from '../../src/formats/scripts';
import type { Services } from '../context';

const FILE = 'file:';
const NOTHING: DefinitionSet = { backends: [], tasks: [], jobs: [] };

export interface DefinitionFolders {
  close(): Promise<void>;
}

/**
 * Loads all files of the folders and watches them. What is wrong in a file is told by `report` with its place, and the
 * last good version of that file is served on; the other files are not held up.
 */
export async function serveFolders(
  services: Pick<Services, 'db' | 'announcer' | 'catalog' | 'checkScript'>,
  dirs: readonly string[],
  report: (problem: string) => void,
): Promise<DefinitionFolders> {
  let running: Promise<void> = Promise.resolve();
  let told = new Set<string>();

  const load = async (): Promise<void> => {
    const problems: string[] = [];
    try {
      const files: DefinitionFile[] = [];
      const readable: string[] = [];
      for (const dir of dirs) {
        // A folder that is away for now (a share that is not mounted) takes neither the others nor its own jobs along.
        try {
          files.push(...(await readDefinitions([dir])));
          readable.push(dir);
        } catch (error) {
          problems.push(messageOf(error));
        }
      }
      watch.follow(scriptPaths(files));
      const texts = files.flatMap((file) => ('text' in file ? [{ ...file, name: shownName(file.name) }] : []));
      problems.push(...files.flatMap((file) => ('error' in file ? [`${shownName(file.name)}: ${file.error}`] : [])));
      const present = new Set(files.map((file) => FILE + shownName(file.name)));
      await services.catalog.refresh();
      problems.push(...(await applyTexts(services, texts, goneSources(services.catalog.current(), readable, present))));
      await services.catalog.refresh();
    } catch (error) {
      problems.push(`definitions: ${messageOf(error)}`);
    }
    // Each problem is told once, not again with every unrelated change.
    for (const problem of problems) if (!told.has(problem)) report(problem);
    told = new Set(problems);
  };
  let queued: Promise<void> | null = null;
  // Many changes at once are one look at the files.
  const reload = (): Promise<void> => {
    queued ??= running = running.then(() => {
      queued = null;
      return load();
    });
    return queued;
  };

  // The watch first: a change between the first look and the watch would be missed.
  const watch = watchDefinitions(
    dirs,
    () => reload(),
    (file, message) => report(`${shownName(file)}: ${message}`),
  );
  await watch.ready;
  await reload();
  return {
    close: async () => {
      await watch.close();
      await running;
    },
  };
}

/** Parses and applies; a file with a problem is left out, and so is one whose definitions break another's. */
async function applyTexts(
  services: Pick<Services, 'db' | 'announcer' | 'catalog' | 'checkScript'>,
  texts: readonly Source[],
  gone: readonly string[],
): Promise<string[]> {
  const problems: string[] = [];
  const own = new Set([...texts.map((one) => FILE + one.name), ...gone]);
  // First those that are wrong whatever the others say: what they said when they were good stands, for the others too.
  const wrong = new Set<string>();
  parseSources(texts, knownElsewhere(services.catalog.current(), new Set(), [])).forEach((result, index) => {
    if (result.ok) return;
    wrong.add(texts[index]?.name ?? '');
    problems.push(...result.problems.map(formatProblem));
  });
  let left = texts.filter((one) => !wrong.has(one.name));
  // Each round leaves out at least one file, so there are at most as many rounds as files.
  while (left.length > 0 || gone.length > 0) {
    const parsed = parseSources(left, knownElsewhere(services.catalog.current(), own, left));
    const bad = new Set<string>();
    const good: { name: string; parsed: Extract<Parsed, { ok: true }> }[] = [];
    for (const [index, one] of left.entries()) {
      const result = parsed[index];
      const found = result?.ok
        ? await scriptProblems(one.name, result, services.checkScript)
        : (result?.problems ?? []);
      if (result?.ok && found.length === 0) good.push({ name: one.name, parsed: result });
      else {
        bad.add(one.name);
        problems.push(...found.map(formatProblem));
      }
    }
    if (bad.size === 0) {
      const sources: SourceSet[] = [
        ...good.map(({ name, parsed: { set } }): SourceSet => ({ source: FILE + name, set, mode: 'replace' })),
        ...gone.map((source): SourceSet => ({ source, set: NOTHING, mode: 'replace' })),
      ];
      const outcome = await define(services, sources);
      if (outcome.ok) return problems;
      for (const problem of outcome.problems) {
        const culprit = good.find(({ name }) => FILE + name === problem.source);
        problems.push(describe(problem, culprit?.parsed));
        if (culprit) bad.add(culprit.name);
      }
      // The fault lies between what these files take away and what others still use: nothing can be applied.
      if (bad.size === 0) return problems;
    }
    left = left.filter((one) => !bad.has(one.name));
    if (left.length === 0 && gone.length === 0) return problems;
  }
  return problems;
}

async function scriptProblems(
  file: string,
  { set, positions }: Extract<Parsed, { ok: true }>,
  check: CheckScript,
): Promise<Problem[]> {
  const faults = await scriptFaults(set, check);
  return faults.map(({ kind, name, ...fault }) => ({ file, ...positions(kind, name, fault.path), ...fault }));
}

function describe(problem: DefinitionProblem, parsed: Extract<Parsed, { ok: true }> | undefined): string {
  const kind = problem.kind.toLowerCase() as Lowercase<DefinitionProblem['kind']>;
  const file = problem.source.startsWith(FILE) ? problem.source.slice(FILE.length) : problem.source;
  const position = parsed?.positions(kind, problem.name, problem.path) ?? { line: 1, column: 1 };
  return formatProblem({ file, ...position, path: problem.path, message: problem.message, hint: problem.hint });
}

/**
 * What is defined outside these files, and what a file that is left out defined the last time it was good: that is
 * served on, so others may build on it.
 */
function knownElsewhere(catalog: Catalog, own: ReadonlySet<string>, left: readonly { readonly name: string }[]) {
  const parsedNow = new Set(left.map((one) => FILE + one.name));
  const isOutside = ([, entry]: readonly [string, { readonly source: string }]): boolean =>
    !own.has(entry.source) || !parsedNow.has(entry.source);
  return {
    tasks: new Map([...catalog.tasks].filter(isOutside).map(([name, entry]) => [name, entry.spec])),
    jobs: new Map([...catalog.jobs].filter(isOutside).map(([name, entry]) => [name, entry.spec.job])),
    backends: new Set(catalog.backends.keys()),
  };
}

/** Files that definitions came from and that lie in these folders no more. */
function goneSources(catalog: Catalog, dirs: readonly string[], present: ReadonlySet<string>): string[] {
  const roots = dirs.map((dir) => `${resolve(dir)}/`);
  const sources = new Set(
    [catalog.backends, catalog.tasks, catalog.jobs, catalog.resources, catalog.schedules, catalog.triggers].flatMap(
      (all) => [...all.values()].map(({ source }) => source),
    ),
  );
  return [...sources].filter(
    (source) =>
      source.startsWith(FILE) &&
      !present.has(source) &&
      roots.some((root) => resolve(source.slice(FILE.length)).startsWith(root)),
  );
}

/** Relative to where the server runs, when it lies below: the same on every machine that has the project. */
function shownName(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside.startsWith('..') || inside === '' ? path : inside;
}
