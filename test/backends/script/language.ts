/** What every language of scripts must do, told of each with its real interpreter. A new language is a file that calls it. */
import type { BackendSpec, OutputPort } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import type { Programs } from '../conformance/programs';
import { conformance } from '../conformance/suite';
import { createBench, inputPort, type Bench } from '../support';
import { returned, scriptTask } from './programs';
import { LIST, returnsWhatItGets } from './values';

/** A language: what it is asked, as source code, and what it answers in its own way. */
export interface Subject {
  readonly kind: 'PYTHON' | 'R' | 'OCTAVE';
  /** As people call it. */
  readonly title: string;
  readonly programs: Programs;
  /** What the health of its Backend says where it is not installed. */
  readonly install: string;
  /** Source code with a mistake in its syntax, and how that is told. */
  readonly broken: { readonly source: string; readonly told: RegExp };
  /** Source code that ends by an error two calls deep, and how that is told, with its lines. */
  readonly fails: { readonly source: string; readonly told: RegExp };
  /** Statements that end a script, with its exit code; the variable `x` was set to 1 before. */
  readonly ends: readonly (readonly [statement: string, code: number])[];
  readonly assign: (to: string, from: string) => string;
  /** Sets `fine` to 1 and other variables to what cannot be passed on; what is told of each. */
  readonly unfit: { readonly source: string; readonly told: Readonly<Record<string, string>> };
  readonly tables: {
    /** Takes the table `data` apart: `kinds` of its columns, `city`, `visits`, `open`, and `missing` of its score. */
    readonly source: string;
    readonly kinds: readonly string[];
    /** Sets `rows` to the column `note` of the table `data`. */
    readonly notes: string;
    /** What the log says where Parquet is not read. */
    readonly noParquet: string;
  };
  readonly files: {
    /** Sets `table` and `rows` to a table, and `many` to the path of a file `x.txt` and a table. */
    readonly source: string;
    /** The content of the file of the table, in each format. */
    readonly content: Readonly<Record<'csv' | 'tsv' | 'json', string>>;
  };
}

const TABLES: readonly (readonly [name: string, content: string])[] = [
  ['d.csv', 'city,visits,score,open\nÅrhus,1,0.5,true\nBerlin,2,,false\n'],
  ['d.csv', '"city","visits","score","open"\r\n"Århus",1,0.5,true\r\nBerlin,2,,false'],
  ['d.tsv', 'city\tvisits\tscore\topen\nÅrhus\t1\t0.5\ttrue\nBerlin\t2\t\tfalse\n'],
  [
    'd.json',
    '[{"city":"Århus","visits":1,"score":0.5,"open":true},{"city":"Berlin","visits":2,"score":null,"open":false}]',
  ],
];

/** The Backend of a language. */
export const scriptBackend = (kind: Subject['kind'], options: BackendSpec<'PYTHON'>['options']): BackendSpec => ({
  ...{ name: kind.toLowerCase(), kind, description: '', environment: {} },
  options,
});

/** Defines the tests. */
export function scriptLanguage(subject: Subject): void {
  const { kind, title, broken, tables, files } = subject;
  const outputs = (...names: readonly string[]): OutputPort[] => names.map((name) => returned(name));
  const withTable = (source: string, ...names: readonly string[]) =>
    scriptTask(source, { inputs: [{ ...inputPort('data'), as: 'table' }], outputs: outputs(...names) });

  describeEngine(kind, kind, ({ interpreter }) => {
    const nowhere = `no-such-${kind.toLowerCase()}`;
    conformance({
      spec: () => scriptBackend(kind, { interpreter }),
      programs: subject.programs,
      cancelSeconds: 5,
      survivesWorker: false,
      missing: {
        spec: () => scriptBackend(kind, { interpreter: nowhere }),
        message: new RegExp(
          `${title} is not installed on this worker: there is no \`${nowhere}\`.*${subject.install.replace(/[+]/g, '\\$&')}`,
        ),
      },
      refused: { task: () => scriptTask(broken.source), message: /Exit code 1/ },
    });
  });

  describeEngine(kind, `a script of ${title}`, ({ interpreter }) => {
    let bench: Bench;
    beforeAll(() => (bench = createBench(scriptBackend(kind, { interpreter }))));
    afterAll(() => bench.close());

    returnsWhatItGets(() => scriptBackend(kind, { interpreter }), subject.assign);

    it('is told which value cannot be passed on, and why', async () => {
      const { source, told } = subject.unfit;
      const outcome = await bench.run(scriptTask(source, { outputs: outputs('fine', ...Object.keys(told)) }));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'BAD_OUTPUT', exitCode: 0, outputs: { fine: 1 } });
      for (const [name, why] of Object.entries(told)) expect(outcome.message).toContain(`Output \`${name}\`: ${why}`);
    });

    it('that leaves an output unset misses it', async () => {
      const outcome = await bench.run(scriptTask('x = 1', { outputs: [returned('y', scalar('int'))] }));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'MISSING_OUTPUT' });
      expect(outcome.message).toContain('`y` (nothing was returned under this name)');
    });

    describe('reads', () => {
      it.each(TABLES)('%s as a table with typed columns: %j', async (name, content) => {
        const task = withTable(tables.source, 'kinds', 'city', 'visits', 'open', 'missing');
        expect(await bench.run(task, { data: await bench.file(name, content) })).toMatchObject({
          message: '',
          outputs: {
            kinds: tables.kinds,
            city: ['Århus', 'Berlin'],
            visits: [1, 2],
            open: [true, false],
            missing: [false, true],
          },
        });
      });

      it('commas, quotes and lines in quotes', async () => {
        const csv = '"a, b",note\n1,"x, ""y""\nz"\n2,plain\n';
        const outcome = await bench.run(withTable(tables.notes, 'rows'), { data: await bench.file('d.csv', csv) });
        expect(outcome).toMatchObject({ message: '', outputs: { rows: ['x, "y"\nz', 'plain'] } });
      });

      it('no Parquet here, and says what is to be done', async () => {
        const outcome = await bench.run(withTable(''), { data: await bench.file('d.parquet', 'PAR1') });
        expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 1 });
        expect(outcome.output).toContain(tables.noParquet);
      });

      it('no table whose format is not known', async () => {
        const outcome = await bench.run(withTable(''), { data: await bench.file('d.bin', 'x') });
        expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED' });
        expect(outcome.message).toContain('Input `data` is read as a table, and of d.bin it is not known how.');
      });
    });

    it.each(['csv', 'tsv', 'json'] as const)('returns tables as %s, and files by their paths', async (format) => {
      const file = scalar('File');
      const outcome = await bench.run(
        scriptTask(files.source, { outputs: [returned('table', file, { format }), returned('many', LIST(file))] }),
      );
      expect(outcome).toMatchObject({ message: '', outputs: { table: { name: `table.${format}`, format } } });
      expect(await bench.content(outcome.outputs.table)).toBe(files.content[format]);
      expect(outcome.outputs.many).toMatchObject([{ name: 'x.txt' }, { name: 'many-2.csv' }]);
    });

    describe('ends', () => {
      it('by an error with the lines of its source', async () => {
        const outcome = await bench.run(scriptTask(subject.fails.source, { name: 'fit-model' }));
        expect(outcome).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 1 });
        expect(outcome.output).toMatch(subject.fails.told);
      });

      it('by a mistake in its syntax', async () => {
        const outcome = await bench.run(scriptTask(broken.source));
        expect(outcome).toMatchObject({ exitCode: 1 });
        expect(outcome.output).toMatch(broken.told);
      });

      it.each(subject.ends)('by %s with exit code %i, and what it had returned', async (statement, code) => {
        const task = scriptTask(`${subject.assign('x', '1')}\n${statement}`, { outputs: outputs('x') });
        expect(await bench.run(task)).toMatchObject({ exitCode: code, outputs: { x: 1 } });
      });
    });
  });
}
