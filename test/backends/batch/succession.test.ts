/** Jobs of Slurm whose workers change, and workers that do not know yet that they were replaced. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHost, type BackendHost, type HostOptions } from '../../../src/backends/host';
import type { AttemptOutcome, RunningAttempt } from '../../../src/backends/backend';
import type { TaskSpec } from '../../../src/domain/definitions';
import { createBench, outputPort, task, type Bench, type Watched } from '../support';
import { describeEngine } from '../../support/engines';
import { slurmSpec } from './specs';

describeEngine('SLURM', 'a job of Slurm and its workers', ({ environment }) => {
  let bench: Bench;
  const hosts: BackendHost[] = [];
  beforeEach(() => (bench = createBench(slurmSpec(environment))));
  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.close();
    await bench.close();
  }, 60_000);
  const it = (name: string, body: () => Promise<void>): void => test(name, body, 120_000);

  /** Runs until the gate is open, and gives the two streams and two files. */
  const held = (more: Partial<TaskSpec> = {}): TaskSpec =>
    task(
      {
        script: `echo ready; while [ ! -e '${bench.home}/gate' ]; do sleep .1; done
                 echo one > first; echo two > second; echo ran >> '${bench.home}/runs'; echo done`,
      },
      { outputs: [outputPort('first'), outputPort('second'), outputPort('log', { from: 'stdout' })], ...more },
    );
  const open = (): void => writeFileSync(join(bench.home, 'gate'), '');

  interface Heir extends RunningAttempt {
    readonly notes: string[];
    until(text: string): Promise<void>;
  }
  /** The next Attempt of the step, by another worker on the same folders. */
  function goOn(before: Watched, spec: TaskSpec, attempt = 2, options: Partial<HostOptions> = {}): Heir {
    const { workDir, artifacts } = bench;
    const host = createHost({ workDir, artifacts, workerId: `heir-${process.pid}-${attempt}`, ...options });
    hosts.push(host);
    const notes: string[] = [];
    const { stepRunId } = before;
    let output = '';
    const next = host.start(
      { stepRunId, attempt, task: spec, backend: slurmSpec(environment), values: {} },
      {
        log: (_, bytes) => void (output += bytes.toString()),
        progress: () => {},
        note: (text) => void notes.push(text),
      },
    );
    const until = async (text: string): Promise<void> => {
      while (!output.includes(text)) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    return { ...next, notes, until };
  }
  const jobOf = ({ notes }: { readonly notes: readonly string[] }): string =>
    /Slurm job (\d+)\./.exec(notes.join('\n'))?.[1] ?? 'none';
  const kept = (): string[] => readdirSync(join(bench.workDir, 'kept'));
  async function expectWhole(outcome: AttemptOutcome): Promise<void> {
    expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
    const texts = [outcome.outputs.first, outcome.outputs.second, outcome.outputs.log].map((file) =>
      bench.content(file),
    );
    expect(await Promise.all(texts)).toEqual(['one\n', 'two\n', 'ready\ndone\n']);
    expect(readFileSync(join(bench.home, 'runs'), 'utf8')).toBe('ran\n');
  }

  it('is handed over while it runs, and found again', async () => {
    const spec = held();
    const first = bench.start(spec);
    await first.until('ready');
    first.handOver();
    expect(await first.outcome).toMatchObject({
      state: 'CANCELLED',
      message: expect.stringMatching(/handed over/) as string,
    });
    const next = goOn(first, spec);
    await next.until('ready');
    expect(jobOf(next)).toBe(jobOf(first));
    open();
    await expectWhole(await next.outcome);
    expect(kept()).toEqual([]);
  });

  it('is handed over before it was submitted, and then never is', async () => {
    const late = createBench(slurmSpec(environment, { 'flush-ms': 60_000 }));
    try {
      const first = late.start(task(['true']));
      while (!existsSync(join(late.workDir, 'kept', `${first.stepRunId}.1`, 'batch', 'run')))
        await new Promise((resolve) => setTimeout(resolve, 10));
      first.handOver();
      expect((await first.outcome).state).toBe('CANCELLED');
      expect(jobOf(first)).toBe('none');
    } finally {
      await late.close();
    }
  });

  it('is handed over again and again', async () => {
    const spec = held();
    const first = bench.start(spec);
    await first.until('ready');
    let last: RunningAttempt & { readonly notes: readonly string[] } = first;
    for (const attempt of [2, 3, 4]) {
      last.handOver();
      expect((await last.outcome).state).toBe('CANCELLED');
      const next = goOn(first, spec, attempt);
      await next.until('ready');
      last = next;
    }
    expect(jobOf(last)).toBe(jobOf(first));
    open();
    await expectWhole(await last.outcome);
  });

  it('is collected by the worker that has it now, although the one before sees its end, too', async () => {
    const spec = held();
    const first = bench.start(spec);
    await first.until('ready');
    const next = goOn(first, spec);
    await next.until('ready');
    open();
    // The first knows nothing of the second.
    expect((await first.outcome).state).toBe('CANCELLED');
    await expectWhole(await next.outcome);
    expect(kept()).toEqual([]);
  });

  it('is not ended by a worker that lost it, whose clock says that its time is up', async () => {
    const first = bench.start(held({ timeoutSeconds: 10 }));
    await first.until('ready');
    const next = goOn(first, held());
    await next.until('ready');
    expect(await first.outcome).toMatchObject({ state: 'CANCELLED', failure: null });
    first.cancel('cancelled');
    open();
    await expectWhole(await next.outcome);
  });

  it('is left alone by a worker that may have been taken for dead, before anybody has taken it over', async () => {
    let leased = true;
    const spec = held();
    const silent = createBench(slurmSpec(environment), { isLeased: () => leased, workDir: bench.workDir });
    try {
      const first = silent.start(spec, {}, { stepRunId: 'silent' });
      await first.until('ready');
      leased = false;
      open();
      expect((await first.outcome).state).toBe('CANCELLED');
      expect(kept()).toEqual(['silent.1']);
      await expectWhole(await goOn(first, spec).outcome);
    } finally {
      await silent.close();
    }
  });

  it('is collected again when its worker was stopped while it collected', async () => {
    const { artifacts } = bench;
    let first: Watched | undefined;
    // The end of the worker comes between the first file and the second.
    const halting = new Proxy(artifacts, {
      get: (target, name, receiver) =>
        name !== 'adopt'
          ? (Reflect.get(target, name, receiver) as unknown)
          : async (...given: Parameters<typeof artifacts.adopt>) => {
              const stored = await artifacts.adopt(...given);
              first?.cancel('shutdown');
              return stored;
            },
    });
    const stopping = createBench(slurmSpec(environment), { artifacts: halting, workDir: bench.workDir });
    try {
      const spec = held();
      first = stopping.start(spec, {}, { stepRunId: 'halved' });
      await first.until('ready');
      open();
      expect((await first.outcome).state).toBe('CANCELLED');
      await expectWhole(await goOn(first, spec).outcome);
      expect(kept()).toEqual([]);
    } finally {
      await stopping.close();
    }
  });
});
