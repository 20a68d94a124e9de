import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCanceller } from '../../../src/backends/batch/canceller';
import { createPoller } from '../../../src/backends/batch/poller';
import { slurm } from '../../../src/backends/batch/slurm';
import { createSubmitter } from '../../../src/backends/batch/submitter';
import type { Answer } from '../../../src/backends/batch/commander';
import { slurmForm } from '../../../src/formats/forms/backends/batch';

const answer = (stdout: string, more: Partial<Answer> = {}): Answer => ({ code: 0, stdout, stderr: '', ...more });

describe('jobs on their way to the scheduler', () => {
  let home: string;
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'stepcast-submitter-'))));
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const placeOf = (name: string) => {
    const root = join(home, name);
    mkdirSync(join(root, 'batch'), { recursive: true });
    return { root, out: join(root, 'out'), tmp: join(root, 'tmp') };
  };

  test('a job is known although its id could not be noted, and so are the others of its array', async () => {
    const [gone, there] = [placeOf('gone'), placeOf('there')];
    const submitter = createSubmitter({
      dialect: slurm,
      options: slurmForm.parse({ 'flush-ms': 0, 'array-size': 2 }),
      commander: {
        // Its folder goes while the scheduler takes it.
        run: () => {
          rmSync(gone.root, { recursive: true });
          return Promise.resolve(answer('77\n'));
        },
      },
    });
    const terms = { resources: {}, timeLimitSeconds: 60 };
    const submit = (place: typeof gone) => submitter.submit({ place, terms, withdrawn: () => false, note: () => {} });
    expect(await Promise.all([submit(gone), submit(there)])).toEqual([
      { job: '77', index: 0 },
      { job: '77', index: 1 },
    ]);
    expect(JSON.parse(readFileSync(join(there.root, 'batch', 'job.json'), 'utf8'))).toMatchObject({
      job: '77',
      index: 1,
    });
    await submitter.close();
  });

  test('many jobs are asked for in commands that no system finds too long', async () => {
    const asked: string[][] = [];
    const poller = createPoller({
      dialect: slurm,
      commander: {
        run: (words) => {
          const jobs =
            words
              .find((word) => word.startsWith('--jobs='))
              ?.slice('--jobs='.length)
              .split(',') ?? [];
          asked.push(jobs);
          return Promise.resolve(answer(jobs.map((job) => `${job}|N/A|RUNNING|0|None|n1|`).join('\n')));
        },
      },
      pollSeconds: 1,
      log: () => {},
    });
    const jobs = Array.from({ length: 30_000 }, (_, index) => ({ job: String(10_000_000 + index), index: null }));
    expect((await poller.ask(jobs))?.size).toBe(jobs.length);
    // What Linux takes as one word of a command.
    for (const some of asked) expect(some.join(',').length).toBeLessThan(128 * 1024);
  });

  test('a cancel that the scheduler does not hear holds up no end of the worker', async () => {
    let calls = 0;
    const canceller = createCanceller({
      dialect: slurm,
      commander: {
        run: () => {
          calls += 1;
          return Promise.resolve(answer('', { code: 1, stderr: 'Unable to contact slurm controller' }));
        },
      },
      patienceSeconds: 3_600,
      log: () => {},
    });
    const told = canceller.cancel({ job: '1', index: null });
    // By then it waits for seconds before the next try.
    while (calls < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    const closed = canceller.close();
    await new Promise(setImmediate);
    expect(calls).toBe(4);
    await Promise.all([closed, told]);
  });
});
