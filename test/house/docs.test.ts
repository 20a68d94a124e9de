import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Kind, parse, specifiedRules, validate, type GraphQLSchema } from 'graphql';
import { buildServedSchema, buildStaticSchema } from '../../schema/buildSchema';
import { limitRules } from '../../schema/server/limits';
import { readSettings } from '../../src/config/settings';
import { JOB_VARIABLE } from '../../src/backends/batch/runner';
import { VARIABLES } from '../../src/config/variables';
import { resourceVariables } from '../../src/domain/resources';
import type { DefinitionSet } from '../../src/domain/definitions';
import type { Catalog } from '../../src/engine/catalog';
import { planOf } from '../../src/engine/plans';
import { parseDefinitions } from '../../src/formats/parse';

const project = path.join(__dirname, '../..');
const read = (file: string): string => readFileSync(path.join(project, file), 'utf8');

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage']);

/** All pages of the project, by a walk: it may have been unpacked where there is no git. */
function pagesBelow(folder: string): string[] {
  return readdirSync(path.join(project, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || NOT_OURS.has(entry.name) ? [] : pagesBelow(name);
    return entry.name.endsWith('.md') ? [name] : [];
  });
}
const pages = pagesBelow('');

/** Bodies of the fenced blocks of a language. */
function fenced(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '');
}

const withoutCode = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

/** The anchors of a page's headings, as the usual viewers make them. */
function anchors(markdown: string): Set<string> {
  const headings = markdown.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{Letter}\p{Number}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

/** All that is defined in a folder of files, as the server would serve it. */
function catalogOf(texts: readonly string[]): Catalog {
  const sets = texts.map((text): DefinitionSet => {
    const parsed = parseDefinitions({ name: 'docs.yaml', text });
    if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
    return parsed.set;
  });
  const tasks = sets.flatMap((set) => set.tasks);
  const row = { versionId: '1', version: 1, source: 'docs', createdAt: '' };
  const jobs = sets
    .flatMap((set) => set.jobs)
    .map((job) => {
      const bundle = { job, tasks, backends: [], jobs: [] };
      return [
        job.name,
        { ...row, spec: bundle, compiled: { id: '1', version: 1, bundle, plan: planOf(bundle) } },
      ] as const;
    });
  const none = new Map<string, never>();
  return {
    stamp: '',
    backends: none,
    tasks: none,
    jobs: new Map(jobs),
    resources: none,
    schedules: none,
    triggers: none,
  };
}

test('every link to a file or a heading of ours leads somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [file = '', anchor] = target.split('#');
      const full = file === '' ? page : path.join(path.dirname(page), file);
      if (!existsSync(path.join(project, full))) return [`${page}: ${target}`];
      return anchor !== undefined && !anchors(read(full)).has(anchor) ? [`${page}: ${target}`] : [];
    }),
  );
  expect(broken).toEqual([]);
});

test('every npm script that is named exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const unknown = pages.flatMap((page) =>
    [...read(page).matchAll(/\bnpm run (?:-s |--silent )?([\w:-]+)/g)]
      .filter(([, name = '']) => !(name in scripts))
      .map(([text]) => `${page}: ${text}`),
  );
  expect(unknown).toEqual([]);
});

test('every variable of ours that is named is a setting, or told to commands', () => {
  const told = resourceVariables({ memoryBytes: 1, cpus: 1, diskBytes: 1 });
  const known = new Set<string>([
    ...Object.values(VARIABLES).map(({ name }) => name),
    ...Object.keys(told),
    JOB_VARIABLE,
  ]);
  const unknown = pages.flatMap((page) =>
    [...read(page).matchAll(/\bSTEPCAST_(?!TEST_)[A-Z_]+\b/g)]
      .filter(([name]) => !known.has(name))
      .map(([name]) => `${page}: ${name}`),
  );
  expect(unknown).toEqual([]);
});

test('the defaults in the table of limits are those of the settings', () => {
  const settings = readSettings({});
  const table = /### Limits\n([\s\S]*?)\n\nAn operation/.exec(read('docs/api.md'))?.[1] ?? '';
  const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
  const told = [...table.matchAll(/\| ([\d,]+)(?: (\w+))? +\| `(\w+)`/g)].map(
    ([, count = '', unit = '', name = '']) => ({
      name,
      value: Number(count.replaceAll(',', '')) * (units[unit] ?? 1),
    }),
  );
  const byName = new Map(
    Object.entries(VARIABLES).map(([key, { name }]) => [name, settings[key as keyof typeof settings]]),
  );
  expect(told.length).toBeGreaterThan(5);
  expect(told.filter(({ name, value }) => byName.get(name) !== value)).toEqual([]);
});

describe('the operations for callers', () => {
  const catalog = catalogOf([read('examples/word-count/word-count.yaml'), ...fenced(read('README.md'), 'yaml')]);
  const schema: GraphQLSchema = buildServedSchema(buildStaticSchema(), catalog);
  const { maxDepth, maxAliases, maxCost } = readSettings({});
  const rules = [...specifiedRules, ...limitRules({ maxDepth, maxAliases, maxCost })];

  test.each(['README.md', 'docs/api.md', 'docs/graphs.md', 'docs/scatter.md'])(
    'of %s are valid for the schema that is served, and within its limits',
    (page) => {
      const operations = fenced(read(page), 'graphql');
      expect(operations.length).toBeGreaterThan(0);
      const faults = operations.flatMap((text) =>
        validate(schema, parse(text), rules).map(({ message }) => `${message}\n${text}`),
      );
      expect(faults).toEqual([]);
    },
  );

  test('of docs/schedules.md are valid as well', () => {
    const operations = fenced(read('docs/schedules.md'), 'graphql');
    expect(operations).toHaveLength(2);
    expect(operations.flatMap((text) => validate(schema, parse(text), rules).map(({ message }) => message))).toEqual(
      [],
    );
  });

  test('also those inside of the programs and of the curl calls', () => {
    const inPrograms = ['README.md', 'docs/api.md'].flatMap((page) =>
      fenced(read(page), 'ts').flatMap((code) => [
        ...code.matchAll(/= (['`])((?:subscription|query|mutation)[\s\S]*?)\1/g),
      ]),
    );
    const inCalls = [...read('README.md').matchAll(/"query": "((?:mutation|query)[^"]*)"/g)].map(
      (match) => match[1] ?? '',
    );
    const operations = [...inPrograms.map((match) => match[2] ?? ''), ...inCalls];
    expect(operations).toHaveLength(3);
    for (const text of operations) {
      const document = parse(text);
      expect(document.definitions[0]?.kind).toBe(Kind.OPERATION_DEFINITION);
      expect(validate(schema, document, rules)).toEqual([]);
    }
  });
});
