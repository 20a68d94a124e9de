import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Values } from '../../src/domain/values';
import { loadFolder } from './loadFolder';
import type { Loaded } from './loadFolder';
import { runJob } from './runPlan';
import type { JobRun } from './runPlan';

const EXAMPLES = join(__dirname, '../../examples');

describe('the examples', () => {
  let loaded: Loaded;
  let dir: string;

  beforeAll(async () => {
    loaded = await loadFolder(EXAMPLES);
  });
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stepcast-examples-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('every job, input and output is described: they are the manual in GraphiQL', () => {
    expect([...loaded.jobs.keys()].sort()).toEqual([
      'chapter-table',
      'describe-sequences',
      'protein-composition',
      'text-portrait',
      'weather-by-year',
      'weather-report',
      'weather-seasons',
      'word-count',
    ]);
    for (const { job } of loaded.jobs.values()) {
      for (const { name, description } of [job, ...job.inputs, ...job.outputs])
        expect([name, description]).not.toEqual([name, '']);
    }
  });

  it('the example data is there, small, and its origin is told', () => {
    for (const { job, dir: folder } of loaded.jobs.values()) {
      const files = Object.values(job.example ?? {}).filter(
        (value): value is string => typeof value === 'string' && value.startsWith('data/'),
      );
      expect(files).not.toEqual([]);
      for (const file of files) {
        expect(statSync(join(folder, file)).size).toBeLessThan(200_000);
        expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(file);
      }
    }
  });

  it('word-count counts the words of Moby-Dick', () => {
    const result = run('word-count', {});
    const lines = result.text('counts').trim().split('\n');
    expect(lines[0]).toMatch(/^\d+\tthat$/);
    expect(lines.length).toBe(result.outputs.distinct);
    expect(lines.every((line) => /^\d+\t[a-z]{4,}$/.test(line))).toBe(true);
    expect(result.text('lengths')).toMatch(/^4\t\d+\n5\t\d+\n/);
  });

  it('word-count sorts as its parameter says', () => {
    const words = run('word-count', { order: 'alphabetical', 'min-length': 12 })
      .text('counts')
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[1] ?? '');
    expect(words).toEqual([...words].sort());
    expect(words.length).toBeGreaterThan(50);
  });

  it.each([
    ['month', 48, /^2012-01\t31\t7\.1\t1\.5\t173\.3\t8\.2$/m],
    ['year', 4, /^2015\t365\t/m],
  ])('weather-report sums up by %s', (period, lines, line) => {
    const result = run('weather-report', { period });
    expect(result.text('summary').trim().split('\n')).toHaveLength(lines + 1);
    expect(result.text('summary')).toMatch(line);
    expect(result.text('report')).toContain('## Kinds of weather\n\n');
    expect(result.outputs.dropped).toBe(0);
    expect(Number(result.text('hot-days').split(/\s/)[1])).toBeGreaterThan(34);
  });

  it.each([
    ['residue', 20, /^L\t/m],
    ['charge', 3, /^neutral\t/m],
    ['hydropathy', 3, /^hydrophobic\t/m],
  ])('protein-composition counts by %s', (grouping, groups, line) => {
    const result = run('protein-composition', { grouping });
    const rows = result.text('composition').trim().split('\n');
    expect(rows).toHaveLength(groups);
    expect(result.text('composition')).toMatch(line);
    const shares = rows.map((row) => Number(row.split('\t')[2]));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
    expect(result.text('report')).toContain('45 sequences');
  });

  it('protein-composition finds no motif where there is none, and does not fail', () => {
    expect(run('protein-composition', { motif: 'WWWWWW', 'longest-first': false }).outputs['with-motif']).toBe(0);
    expect(Number(run('protein-composition', { motif: 'G|A' }).outputs['with-motif'])).toBe(45);
  });

  function run(name: string, values: Values): JobRun {
    const found = loaded.jobs.get(name);
    if (!found) throw new Error(`no job ${name}`);
    const into = mkdtempSync(join(dir, 'run-'));
    return runJob(found.job, loaded.tasks, { ...found.job.example, ...values }, into, found.dir);
  }
});
