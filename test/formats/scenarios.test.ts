import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Values } from '../../src/domain/values';
import { loadFolder } from './loadFolder';
import type { Loaded } from './loadFolder';
import { runJob } from './runPlan';
import type { JobRun } from './runPlan';

const FASTA = '>one\nMKVL\nAA\n';

describe('what users of Analytics Automated try first', () => {
  let loaded: Loaded;
  let dir: string;

  beforeAll(async () => {
    loaded = await loadFolder(join(__dirname, '../scenarios'));
  });
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stepcast-scenarios-'));
    writeFileSync(join(dir, 'upload.fasta'), FASTA);
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('1, count: a listing and its count are two results', () => {
    const result = run('count', {});
    const entries = readdirSync('/').filter((name) => !name.startsWith('.'));
    expect(result.text('list-folder-stdout').trim().split('\n').sort()).toEqual(entries.sort());
    expect(result.text('count-entries-stdout')).toMatch(new RegExp(`^ *${entries.length} `));
  });

  it.each([
    [true, ['-z', '12', '-u', '123', '-la', '-lm', '-input']],
    [false, ['-z', '12', '-u', '123', '-la', '-input']],
  ])('2, interpolation, with the switch %s', (p2, words) => {
    const lines = run('interpolation', { input: 'upload.fasta', p2 }).text('out1').trim().split('\n');
    expect(lines.slice(0, -3)).toEqual(words);
    expect(lines.slice(-3)).toEqual([join(dir, 'upload.fasta'), '-out', 'interpolate.out']);
  });

  it('3, psipred: the last of seven steps reads what the fourth wrote', () => {
    const { job } = jobOf('psipred');
    expect(job.steps).toHaveLength(7);
    expect(run('psipred', { input: 'upload.fasta' }).text('draw-picture-stdout')).toBe('A\nA\nK\nL\nM\nV\n');
  });

  it('4, disopred: nine steps, one joins three, two tasks are shared', () => {
    const { job } = jobOf('disopred');
    const shared = new Set(jobOf('psipred').job.steps.map(({ run }) => JSON.stringify(run)));
    expect(job.steps).toHaveLength(9);
    expect(job.steps.filter(({ run }) => shared.has(JSON.stringify(run)))).toHaveLength(2);
    expect(run('disopred', { sequence: 'upload.fasta' }).text('combined').split('\n')[0]).toBe('* M\tMM\tm');
  });

  it('5, parallel: equal numbers wait for the lower ones and not for each other', () => {
    const waits = (name: string): unknown => jobOf(name).job.steps.map(({ name: step, after }) => [step, after]);
    expect(waits('parallel-end')).toEqual([
      ['copy', []],
      ['upper', ['copy']],
      ['lower', ['copy']],
    ]);
    expect(waits('parallel-middle')).toContainEqual(['both', ['upper', 'lower']]);
    expect(run('parallel-middle', { input: 'upload.fasta' }).text('both-stdout')).toBe(
      FASTA.toUpperCase() + FASTA.toLowerCase(),
    );
  });

  it('6, batch: two jobs take the same file', () => {
    const count = (job: string): number => Number(run(job, { input: 'upload.fasta' }).text('stdout'));
    expect([count('batch-lines'), count('batch-words')]).toEqual([3, 3]);
  });

  it.each([
    ['AA', ['missing'], ['found', 'measured']],
    ['whale', ['found', 'after-found'], ['missing']],
  ])('7, conditional: searching for %s skips %s', (pattern, skipped, given) => {
    const result = run('conditional', { text: 'upload.fasta', pattern });
    expect(result.skipped).toEqual(skipped);
    expect(Object.keys(result.outputs).filter((name) => result.outputs[name] !== null)).toEqual(given);
  });

  function jobOf(name: string) {
    const found = loaded.jobs.get(name);
    if (!found) throw new Error(`no job ${name}`);
    return found;
  }

  function run(name: string, values: Values): JobRun {
    return runJob(jobOf(name).job, loaded.tasks, values, mkdtempSync(join(dir, 'run-')), dir);
  }
});
