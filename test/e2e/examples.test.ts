/** The examples that need the engine: a diamond, a scatter, a condition, and a job in a job; on their real data. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { resultsOf } from './support/results';
import { startStepcast, type Stepcast } from './support/stepcast';

const EXAMPLES = path.join(__dirname, '../../examples');
const fileOf = (name: string): { text: string; name: string } => ({
  text: readFileSync(path.join(EXAMPLES, name), 'utf8'),
  name: path.basename(name),
});

let stepcast: Stepcast;

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 2 });
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

interface Ended {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly steps: ReadonlyMap<string, string>;
  /** Texts of the files, by `step.port`. */
  readonly texts: ReadonlyMap<string, string>;
}

async function run(job: string, inputs: Parameters<Stepcast['submit']>[1]): Promise<Ended> {
  return ended(await stepcast.submit(job, inputs));
}

async function ended(id: string): Promise<Ended> {
  await stepcast.untilState(id, ['SUCCEEDED']);
  const { submission } = await stepcast.gql<{
    submission: { outputs: Record<string, unknown>; steps: { nodes: { name: string; state: string }[] } };
  }>('query ($id: ID!) { submission(id: $id) { outputs steps(first: 100, deep: true) { nodes { name state } } } }', {
    id,
  });
  const files = await resultsOf(stepcast, id);
  return {
    outputs: submission.outputs,
    steps: new Map(submission.steps.nodes.map(({ name, state }) => [name, state])),
    texts: new Map(files.map(({ stepName, port, text }) => [`${stepName}.${port}`, text])),
  };
}

test('a diamond: both analyses of the text are on one page, in the order in which they are linked', async () => {
  const { texts } = await run('text-portrait', { text: fileOf('word-count/data/moby-dick.txt'), words: 5 });
  const page = texts.get('report.page') ?? '';
  expect(page).toContain(`## frequent-words\n\n${texts.get('words.table') ?? '?'}`);
  expect(page).toContain(`## sentence-lengths\n\n${texts.get('sentences.table') ?? '?'}`);
  expect(page.indexOf('frequent-words')).toBeLessThan(page.indexOf('sentence-lengths'));
  expect(texts.get('words.table')?.split('\n')[0]).toMatch(/^\d+\tthat$/);
});

test('a scatter: every chapter is measured by itself, and the table has them in their order', async () => {
  const { outputs, texts, steps } = await run('chapter-table', { text: fileOf('word-count/data/moby-dick.txt') });
  const rows = (texts.get('table.joined') ?? '').trim().split('\n');
  expect(rows.map((row) => Number.parseInt(row, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(rows[0]).toMatch(/^1\. Loomings\.\t/);
  const words = rows.map((row) => Number(row.split('\t')[1]));
  expect(outputs['words']).toEqual(words);
  expect(outputs['total']).toBe(words.reduce((sum, count) => sum + count, 0));
  expect(steps.get('measure[8]')).toBe('SUCCEEDED');
});

test('a condition: genes are translated, proteins are not, and both ways meet in the same proteins', async () => {
  const genes = await run('describe-sequences', { sequences: fileOf('proteins/data/globin-genes.fasta') });
  const proteins = await run('describe-sequences', { sequences: fileOf('proteins/data/globins.fasta') });
  expect(['translate', 'tidy'].map((step) => genes.steps.get(step))).toEqual(['SUCCEEDED', 'SKIPPED']);
  expect(['translate', 'tidy'].map((step) => proteins.steps.get(step))).toEqual(['SKIPPED', 'SUCCEEDED']);
  expect([genes.outputs['alphabet'], proteins.outputs['alphabet']]).toEqual(['nucleotide', 'protein']);
  expect(proteins.outputs['gc']).toBeNull();
  expect(genes.texts.get('translate.gc')).toMatch(/^MYG_ESCGI\t\d\d\.\d\n/);
  const sequencesOf = ({ texts }: Ended): string[] => (texts.get('flatten.table') ?? '').trim().split('\n');
  expect(sequencesOf(genes)).toEqual(sequencesOf(proteins).slice(0, 5));
});

test('a job in a job: the report runs once per year, and the years are compared', async () => {
  const observations = fileOf('weather/data/seattle-weather.csv');
  const { outputs, texts, steps } = await run('weather-by-year', { observations });
  const alone = await run('weather-report', { observations, period: 'year' });
  expect(texts.get('compare.comparison')).toBe(alone.texts.get('summarise.summary'));
  expect(outputs['dropped']).toEqual([0, 0, 0, 0]);
  expect(outputs['reports']).toHaveLength(4);
  expect(steps.get('per-year[3]/report')).toBe('SUCCEEDED');
});

test('every example has a tab in GraphiQL that runs as it stands', async () => {
  const response = await fetch(`${stepcast.url}/graphiql/examples.json`);
  const examples = (await response.json()) as { title: string; query: string; variables: object }[];
  const runs = examples.filter(({ title }) => title.startsWith('Run '));
  expect(runs.map(({ title }) => title).sort()).toEqual([
    'Run chapter-table',
    'Run describe-sequences',
    'Run protein-composition',
    'Run text-portrait',
    'Run weather-by-year',
    'Run weather-report',
    'Run weather-seasons',
    'Run word-count',
  ]);
  // What weather-seasons needs may not be on this machine: technologies.test.ts runs it where it is.
  for (const { title, query, variables } of runs.filter((one) => one.title !== 'Run weather-seasons')) {
    const data = await stepcast.gql<Record<string, { submission: { id: string } | null; userErrors: unknown[] }>>(
      query,
      variables,
    );
    const [payload] = Object.values(data);
    expect([title, payload?.userErrors]).toEqual([title, []]);
    await ended(payload?.submission?.id ?? '');
  }
}, 60_000);

describe('the examples of the manual', () => {
  const blocksOf = (page: string): string =>
    [...readFileSync(path.join(__dirname, '../../docs', page), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```/gm)]
      .map(([, block = '']) => block)
      .join('\n---\n');
  const outputsOf = async (job: string, inputs: Parameters<Stepcast['submit']>[1]): Promise<Ended['outputs']> =>
    (await run(job, inputs)).outputs;
  const text = { text: 'one two three\nfour five six seven\n', name: 'numbers.txt' };

  test('of dataflow', async () => {
    await stepcast.define(blocksOf('dataflow.md'));
    expect(await outputsOf('two-views', { text })).toEqual({ told: '7 four five six seven' });
    expect(await outputsOf('half-count', { text })).toEqual({ told: '3 in numbers.txt' });
    expect(await outputsOf('maybe-shorten', { text })).toEqual({ short: null });
    expect(await outputsOf('right-way', { text })).toEqual({ words: 7 });
    expect(await outputsOf('some-text', { other: text })).toMatchObject({ tidied: { name: 'tidied.txt' } });
    expect((await run('text-and-end', { text })).texts.get('both.joined')).toBe(text.text.repeat(3));
  }, 60_000);

  test('of scatter', async () => {
    await stepcast.define(blocksOf('scatter.md'));
    expect(await outputsOf('count-all', { texts: [text, { text: 'one' }] })).toEqual({ words: [7, 1], total: 8 });
    expect(await outputsOf('many-greetings', { words: ['hi', 'oh'], names: ['Ann', 'Bo'] })).toEqual({
      pairs: ['hi Ann', 'oh Bo'],
      all: ['hi Ann', 'hi Bo', 'oh Ann', 'oh Bo'],
      table: [
        ['hi Ann', 'hi Bo'],
        ['oh Ann', 'oh Bo'],
      ],
    });
    const names = ['Ann', 'Bartholomew', 'Bo'];
    expect(await outputsOf('greet-some', { names })).toEqual({ greetings: 'No. 1 Ann\nNo. 3 Bo' });
  }, 60_000);

  test('of nested jobs', async () => {
    await stepcast.define(blocksOf('nested-jobs.md'));
    const long = { text: 'a b c d e f g h i j k\n' };
    expect(await outputsOf('describe-all', { texts: [text, long] })).toEqual({
      words: [7, 11],
      lines: [null, 'a b c d e f g h i j k'],
    });
  }, 60_000);
});
