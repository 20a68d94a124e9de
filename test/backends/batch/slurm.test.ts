import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { batchFolder } from '../../../src/backends/batch/folder';
import { createHost } from '../../../src/backends/host';
import type { BackendSpec } from '../../../src/domain/definitions';
import { untilGone } from '../conformance/alive';
import { createBench, inputPort, outputPort, task, type Bench, type Ran, type Watched } from '../support';
import { describeEngine, engine } from '../../support/engines';
import { slurmSpec } from './specs';

const run = promisify(execFile);

describeEngine('SLURM', 'commands as jobs of Slurm', ({ environment }) => {
  const env = { PATH: process.env.PATH, ...environment };
  const opened: Bench[] = [];
  const open = (options: Record<string, unknown> = {}): Bench => {
    const bench = createBench(slurmSpec(environment, options));
    opened.push(bench);
    return bench;
  };
  afterEach(async () => {
    for (const bench of opened.splice(0)) await bench.close();
  }, 60_000);

  const it = (name: string, body: () => Promise<void>): void => test(name, body, 180_000);
  const jobOf = (one: Pick<Watched, 'notes'>): string =>
    /Slurm job (\d+(_\d+)?)\./.exec(one.notes.join('\n'))?.[1] ?? 'none';
  const untilRuns = async (one: Watched): Promise<string> => {
    await one.until('ready');
    return jobOf(one);
  };
  /** The real commands, each of which first notes its call, and then may do something else. */
  function commands(home: string, instead: Record<string, string> = {}): { bin: string; calls: () => string[] } {
    const bin = join(home, 'bin');
    const log = join(home, 'calls');
    mkdirSync(bin);
    writeFileSync(log, '');
    for (const name of ['sbatch', 'squeue', 'scancel', 'scontrol', 'sacct']) {
      const script = `#!/bin/bash\necho "${name} $*" >> '${log}'\n${instead[name] ?? ''}\nexec /usr/bin/${name} "$@"\n`;
      writeFileSync(join(bin, name), script, { mode: 0o755 });
    }
    return { bin, calls: () => readFileSync(log, 'utf8').split('\n').filter(Boolean) };
  }

  describe('arrays', () => {
    it('starts of one moment are one submission, and few questions', async () => {
      const { home } = open();
      const { bin, calls } = commands(home);
      const bench = open({ bin, 'flush-ms': 2_000 });
      const echo = (index: number): Promise<Ran> =>
        bench.run(task(['sh', '-c', 'echo "number $1" > out', 'sh', String(index)], { outputs: [outputPort('out')] }));
      const outcomes = await Promise.all(Array.from({ length: 100 }, (_, index) => echo(index)));
      const texts = await Promise.all(outcomes.map(({ outputs }) => bench.content(outputs.out)));
      expect(texts).toEqual(Array.from({ length: 100 }, (_, index) => `number ${index}\n`));
      expect(new Set(outcomes.map((one) => jobOf(one).split('_')[0])).size).toBe(1);
      expect(calls().filter((call) => call.startsWith('sbatch'))).toHaveLength(1);
      expect(calls().length).toBeLessThanOrEqual(5);
    });

    it('a cancel of one element cancels only that', async () => {
      const bench = open({ 'flush-ms': 1_000 });
      const gate = join(bench.home, 'gate');
      const until = 'echo ready; while [ ! -e "$1" ]; do sleep .1; done';
      const hang = (): Watched => bench.start(task(['sh', '-c', until, 'sh', gate]));
      const [first, second, third] = [hang(), hang(), hang()];
      await Promise.all([first, second, third].map(untilRuns));
      second.cancel('cancelled');
      expect((await second.outcome).state).toBe('CANCELLED');
      writeFileSync(gate, '');
      expect([(await first.outcome).state, (await third.outcome).state]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    });

    it('what asks for other resources goes apart', async () => {
      const bench = open({ 'flush-ms': 1_000 });
      const small = bench.run(task(['true']));
      const large = bench.run(task(['true'], { resources: { memoryBytes: 512 * 1024 ** 2 } }));
      const [one, other] = await Promise.all([small, large]);
      expect([one.state, other.state]).toEqual(['SUCCEEDED', 'SUCCEEDED']);
      expect(jobOf(one)).not.toBe(jobOf(other));
    });
  });

  describe('why it failed', () => {
    it('too much memory, in a child of the command', async () => {
      const hungry = 'x=$(head -c 300000000 /dev/zero | tr "\\0" x); echo done';
      const outcome = await open().run(task({ script: hungry }, { resources: { memoryBytes: 64 * 1024 ** 2 } }));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'OUT_OF_MEMORY' });
      expect(outcome.message).toContain('64 MB');
    });

    it("the scheduler's time limit, which Slurm counts in minutes", async () => {
      const outcome = await open({ 'time-limit': '1s' }).run(task(['sleep', '170'], { timeoutSeconds: 170 }));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'TIMEOUT', retryable: true });
    });

    it('cancelled by somebody outside', async () => {
      const attempt = open().start(task(['sh', '-c', 'echo ready; sleep 60']));
      await run('scancel', [await untilRuns(attempt)], { env });
      const outcome = await attempt.outcome;
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'SIGNAL', retryable: true });
      expect(outcome.message).toMatch(/cancelled by somebody/);
    });

    it('its machine failed', async () => {
      const attempt = open().start(task(['sh', '-c', 'echo ready; sleep 60']));
      await untilRuns(attempt);
      const { stdout } = await run('sinfo', ['-h', '-o', '%n'], { env });
      const node = `NodeName=${stdout.trim().split('\n')[0]}`;
      try {
        await run('scontrol', ['update', node, 'State=DOWN', 'Reason=test'], { env });
        expect(await attempt.outcome).toMatchObject({ state: 'FAILED', failure: 'LOST', retryable: true });
      } finally {
        // Refused when it has come back by itself.
        await run('scontrol', ['update', node, 'State=RESUME'], { env }).catch(() => {});
      }
    });

    it('it would wait for ever', async () => {
      const outcome = await open({ partition: 'short' }).run(task(['true'], { timeoutSeconds: 3600 }));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
      expect(outcome.message).toContain('PartitionTimeLimit');
    });

    it('its program is not on the machine', async () => {
      const outcome = await open().run(task(['no-such-program']));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
      expect(outcome.message).toContain('no-such-program');
    });

    it('a signal', async () => {
      const outcome = await open().run(task(['sh', '-c', 'kill -KILL $$']));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'SIGNAL', signal: 'SIGKILL' });
    });
  });

  it('the time in the queue does not count', async () => {
    const outcome = await open({ 'submit-args': ['--begin=now+6'] }).run(task(['true'], { timeoutSeconds: 3 }));
    expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
  });

  it('a cancel while it waits in the queue', async () => {
    const attempt = open({ 'submit-args': ['--hold'] }).start(task(['true']));
    while (jobOf(attempt) === 'none') await new Promise((resolve) => setTimeout(resolve, 50));
    attempt.cancel('cancelled');
    expect((await attempt.outcome).state).toBe('CANCELLED');
    const { stdout } = await run('squeue', ['-h', '-o', '%T', '-t', 'all', '-j', jobOf(attempt)], { env });
    expect(stdout.trim()).toBe('CANCELLED');
  });

  it('a submission that was taken without an answer is not made again', async () => {
    const { home } = open();
    // The answer is lost; then nothing is, so that the next try would be a second job.
    const lost = `if mkdir '${home}/lost' 2>/dev/null; then /usr/bin/sbatch "$@"; echo "sbatch: error: Socket timed out" >&2; exit 1; fi`;
    const { bin, calls } = commands(home, { sbatch: lost });
    const outcome = await open({ bin }).run(task(['true']));
    expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
    expect(calls().filter((call) => call.startsWith('sbatch'))).toHaveLength(1);
  });

  it('a cluster that is full is tried again, and says so once', async () => {
    const { home } = open();
    const full = `for n in 1 2; do if mkdir "${home}/full$n" 2>/dev/null; then echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; fi; done`;
    const outcome = await open({ bin: commands(home, { sbatch: full }).bin }).run(task(['true']));
    expect(outcome.state).toBe('SUCCEEDED');
    expect(outcome.notes.filter((note) => note.includes('takes no more jobs'))).toHaveLength(1);
  });

  it('a scheduler that stays away is given up as a fault of the machine', async () => {
    const { home } = open();
    const { bin } = commands(home, { sbatch: 'echo "sbatch: error: Unable to contact slurm controller" >&2; exit 1' });
    const outcome = await open({ bin, 'wait-for-scheduler': 1 }).run(task(['true']));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'MACHINE', retryable: true });
  });

  describe('after its worker', () => {
    /** Another worker on the same folders. */
    const successor = (bench: Bench) =>
      createHost({ workDir: bench.workDir, workerId: 'successor', artifacts: bench.artifacts });
    const quiet = { log: () => {}, progress: () => {} };

    it('a job is found by its name, when the worker had no time to note its id', async () => {
      const bench = open();
      const spec = task(['sh', '-c', 'echo ready; while [ ! -e gate ]; do sleep .1; done; echo $$ > out'], {
        outputs: [outputPort('out')],
      });
      const attempt = bench.start(spec);
      const id = await untilRuns(attempt);
      await bench.host.close();
      const root = join(bench.workDir, 'kept', `${attempt.stepRunId}.1`);
      const file = join(batchFolder({ root, out: '', tmp: '' }), 'job.json');
      const record = JSON.parse(readFileSync(file, 'utf8')) as object;
      writeFileSync(file, JSON.stringify({ ...record, job: null }));
      const host = successor(bench);
      try {
        const notes: string[] = [];
        const request = { stepRunId: attempt.stepRunId, attempt: 2, task: spec, values: {} };
        const backend: BackendSpec = slurmSpec(environment);
        const next = host.start({ ...request, backend }, { ...quiet, note: (text) => void notes.push(text) });
        writeFileSync(join(root, 'out', 'gate'), '');
        expect((await next.outcome).state).toBe('SUCCEEDED');
        expect(jobOf({ notes })).toBe(id);
      } finally {
        await host.close();
      }
    });

    it('a job that nobody wants any more is cancelled', async () => {
      const bench = open();
      const token = `stepcast-unwanted-${process.pid}`;
      const attempt = bench.start(task(['sh', '-c', 'echo ready; sleep 60', token]));
      await untilRuns(attempt);
      await bench.host.close();
      const host = successor(bench);
      try {
        expect(await host.reap(() => Promise.resolve(new Set()))).toBe(1);
        await untilGone(token, 10);
      } finally {
        await host.close();
      }
    });
  });

  it('an abandoned job that the scheduler does not hear of holds nothing up, and is cancelled later', async () => {
    const { home } = open();
    const away = `[ ! -e '${home}/away' ] || { echo 'error: Unable to contact slurm controller' >&2; exit 1; }`;
    const { bin } = commands(home, { scancel: away });
    const messages: string[] = [];
    const bench = createBench(slurmSpec(environment, { bin }), { log: (message) => void messages.push(message) });
    opened.push(bench);
    const token = `stepcast-unheard-${process.pid}`;
    const attempt = bench.start(task(['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 1; done', token]));
    await untilRuns(attempt);
    attempt.cancel('shutdown');
    await attempt.outcome;
    writeFileSync(join(home, 'away'), '');
    expect(await bench.host.reap(() => Promise.resolve(new Set()))).toBe(0);
    expect(messages.join('\n')).toContain('cannot be cancelled');
    rmSync(join(home, 'away'));
    expect(await bench.host.reap(() => Promise.resolve(new Set()))).toBe(1);
    await untilGone(token, 10);
  });

  it('jobs of another user, to whom its files are given', async () => {
    const grid = engine('GRID_ENGINE');
    const user = grid.here ? grid.facts.user : 'nobody';
    const bench = open({ 'run-as': user });
    const outcome = await bench.run(
      task(['sh', '-c', 'id -un > who; cat "$1" > copy', 'sh', { kind: 'input', port: 'text' }], {
        inputs: [inputPort('text')],
        outputs: [outputPort('who'), outputPort('copy')],
      }),
      { text: await bench.file('a.txt', 'hers now\n') },
    );
    expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
    expect(await bench.content(outcome.outputs.who)).toBe(`${user}\n`);
    expect(await bench.content(outcome.outputs.copy)).toBe('hers now\n');
  });

  it('a user who does not come through to the files is told of', async () => {
    const bench = open({ 'run-as': 'nobody' });
    chmodSync(bench.home, 0o700);
    const outcome = await bench.run(task(['true']));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED' });
    expect(outcome.message).toContain('chmod o+x');
  });
});
