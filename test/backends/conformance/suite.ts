/** What every kind of Backend must do, told of each with its real engine. */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { BackendSpec, TaskSpec } from '../../../src/domain/definitions';
import type { FileValue, Values } from '../../../src/domain/values';
import { createBench, type Bench } from '../support';
import { untilGone } from './alive';
import type { Programs } from './programs';
import { startVictim } from './victim';

/** A kind, and what there is to know about it. */
export interface Subject {
  readonly spec: () => BackendSpec;
  readonly programs: Programs;
  /** Where the values of `copy` are, for a kind that cannot give them together; the output `facts` by default. */
  readonly facts?: (outputs: Values) => unknown;
  /** Its documentation says that a cancel has ended everything within so long. */
  readonly cancelSeconds: number;
  /** What is running goes on without its worker, and is found again. */
  readonly survivesWorker: boolean;
  /** An engine that is not installed, and what the health of the Backend says then. */
  readonly missing?: { readonly spec: () => BackendSpec; readonly message: RegExp };
  /** What the engine refuses, and what is told of it. */
  readonly refused?: { readonly spec?: () => BackendSpec; readonly task: () => TaskSpec; readonly message: RegExp };
  /** Takes the engine away and brings it back. */
  readonly engine?: { readonly stop: () => Promise<void>; readonly start: () => Promise<void> };
  /** Milliseconds for a test of it; engines with queues of their own take their time. */
  readonly timeoutMs?: number;
  /** How many run at once in the test of many. */
  readonly many?: number;
}

const LARGE = 200 * 1024 * 1024;
/** What is promised holds for a machine that is not busy with other tests, as this one is. */
const BUSY_FACTOR = 3;
/** Longer than any test takes. */
const FOR_EVER_SECONDS = 100_000;

/** Defines the tests; to be called inside of `describe`. */
export function conformance(subject: Subject): void {
  const { programs, timeoutMs = 60_000, facts = (outputs) => outputs.facts } = subject;
  const endsWithin = subject.cancelSeconds * BUSY_FACTOR;
  let bench: Bench;
  beforeEach(() => (bench = createBench(subject.spec())));
  afterEach(() => bench.close(), timeoutMs);

  const it = (name: string, run: () => Promise<void>): void => test(name, run, timeoutMs);
  /** A program that the kind does not know is told in the name of the test that it stands for. */
  const using = <Program>(name: string, program: Program | string, run: (program: Program) => Promise<void>): void => {
    if (typeof program === 'string')
      test(`${name} – not for this kind: ${program}`, () => expect(program).not.toBe(''));
    else it(name, () => run(program));
  };
  const token = (): string => `stepcast-conformance-${randomUUID()}`;

  describe('what goes in and comes out', () => {
    it('files and values, typed', async () => {
      const text = await bench.file('a.txt', 'one\ntwo\n');
      const outcome = await bench.run(programs.copy(), { text, who: 'Ada Lovelace' });
      expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
      expect(await bench.content(outcome.outputs.copy)).toBe('one\ntwo\n');
      expect(facts(outcome.outputs)).toEqual({ who: 'Ada Lovelace', lines: 2 });
    });

    using('names with spaces and Unicode', programs.rename('a result größe 🧬.txt'), async (spec) => {
      const outcome = await bench.run(spec, { text: await bench.file('päper 1 $(id).txt', 'x\n') });
      expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
      expect(outcome.outputs.named).toMatchObject({ name: 'a result größe 🧬.txt', size: 2 });
      expect(outcome.output).toContain('päper 1 $(id).txt');
    });

    it('200 MB, with flat memory', async () => {
      const chunk = Buffer.alloc(1024 * 1024, 'stepcast');
      const source = Readable.from(Array.from({ length: LARGE / chunk.length }, () => chunk));
      const stored = await bench.artifacts.write(source);
      const data: FileValue = { class: 'File', name: 'large.bin', mediaType: 'application/octet-stream', ...stored };
      const before = process.memoryUsage.rss();
      let peak = 0;
      const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
      const outcome = await bench.run(programs.carry(), { data }).finally(() => clearInterval(timer));
      expect([outcome.message, outcome.state]).toEqual(['', 'SUCCEEDED']);
      expect(outcome.outputs.big).toMatchObject({ size: LARGE, sha256: data.sha256 });
      expect(peak - before).toBeLessThan(LARGE / 2);
    });
  });

  describe('what is heard of it', () => {
    using('both streams', programs.say('to stdout', 'to stderr'), async (spec) => {
      const { streams } = await bench.run(spec);
      expect(streams.stdout).toContain('to stdout\n');
      expect(streams.stderr).toContain('to stderr\n');
    });

    using('its progress', programs.progress(), async (spec) => {
      expect((await bench.run(spec)).reports).toContainEqual([42, 'halfway']);
    });

    using('its environment', programs.environment('grüße "$HOME"'), async (spec) => {
      expect((await bench.run(spec)).output).toContain('grüße "$HOME"');
    });
  });

  describe('how it ends', () => {
    using('its exit code', programs.exit(7), async (spec) => {
      expect(await bench.run(spec)).toMatchObject({ state: 'FAILED', failure: 'EXIT_CODE', exitCode: 7 });
    });

    using('what it had produced when it failed', programs.partial(), async (spec) => {
      const outcome = await bench.run(spec);
      expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 3, outputs: { first: { class: 'File' } } });
      expect((await bench.content(outcome.outputs.first)).trim()).toBe('half');
    });

    const first = token();
    using('a timeout ends all of it', programs.hang('ready', first, { timeoutSeconds: 3 }), async (spec) => {
      const outcome = await bench.run(spec);
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'TIMEOUT' });
      await untilGone(first, endsWithin);
    });

    const second = token();
    using('it is heard live, and a cancel ends all of it in time', programs.hang('ready', second), async (spec) => {
      const attempt = bench.start(spec);
      await attempt.until('ready');
      if (typeof programs.say(' ', ' ') !== 'string') await attempt.until('aside', 'stderr');
      const asked = performance.now();
      attempt.cancel('cancelled');
      expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
      await untilGone(second, Math.max(0.1, endsWithin - (performance.now() - asked) / 1_000));
    });

    it('a cancel before it has begun', async () => {
      const attempt = bench.start(programs.copy(), { text: await bench.file('a.txt', 'x'), who: 'x' });
      attempt.cancel('cancelled');
      expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    });
  });

  describe('on a bad day', () => {
    it('a hundred at once', async () => {
      const text = await bench.file('a.txt', 'one\n');
      const many = Array.from({ length: subject.many ?? 100 }, (_, index) => `number ${index}`);
      const outcomes = await Promise.all(many.map((who) => bench.run(programs.copy(), { text, who })));
      const whoOf = (outputs: Values): unknown => (facts(outputs) as { who: string } | undefined)?.who;
      expect(outcomes.map(({ message, outputs }) => message || whoOf(outputs))).toEqual(many);
    });

    const third = token();
    const survives = programs.wait(6, third);
    const killed = subject.survivesWorker ? survives : programs.wait(FOR_EVER_SECONDS, third);
    using('its worker is killed while it runs', killed, async (spec) => {
      const request = { stepRunId: `run-${third}`, attempt: 1, task: spec, backend: subject.spec(), values: {} };
      const victim = startVictim(bench.home, request);
      try {
        const before = /run=\S+/.exec(await victim.until('run='))?.[0];
        expect(before).toBeDefined();
        await victim.kill();
        if (!subject.survivesWorker) await untilGone(third, endsWithin);
        const next = bench.start(survives as TaskSpec, {}, { stepRunId: request.stepRunId, attempt: 2 });
        expect(await next.outcome).toMatchObject({ state: 'SUCCEEDED', message: '' });
        expect(next.output()).toContain('done');
        expect(next.output().includes(before ?? '')).toBe(subject.survivesWorker);
        await untilGone(third, endsWithin);
        await bench.host.sweep();
        expect(readdirSync(bench.workDir).filter((name) => name.includes('victim'))).toEqual([]);
        const kept = join(bench.workDir, 'kept');
        expect(existsSync(kept) ? readdirSync(kept) : []).toEqual([]);
      } finally {
        victim.remove();
      }
    });

    const { engine, refused, missing } = subject;
    if (engine) {
      it('its engine is gone for a while', async () => {
        const text = await bench.file('a.txt', 'one\n');
        await engine.stop();
        const meanwhile = bench.run(programs.copy(), { text, who: 'x' }).catch((error: unknown) => error);
        try {
          await Promise.race([meanwhile, delay(3_000, undefined, { ref: false })]);
          expect((await bench.host.health(subject.spec())).state).not.toBe('READY');
        } finally {
          await engine.start();
        }
        // It waited for its engine, or was told at once to try again later.
        const outcome = await meanwhile;
        const told = outcome instanceof Error ? { code: 'UNAVAILABLE' } : outcome;
        expect([
          expect.objectContaining({ code: 'UNAVAILABLE' }),
          expect.objectContaining({ state: 'SUCCEEDED' }),
          expect.objectContaining({ state: 'FAILED', retryable: true }),
        ]).toContainEqual(told);
        expect(await bench.run(programs.copy(), { text, who: 'x' })).toMatchObject({ state: 'SUCCEEDED' });
      });

      using('its engine is gone while it runs', programs.wait(6, token()), async (spec) => {
        const attempt = bench.start(spec);
        await attempt.until('run=');
        await engine.stop();
        try {
          expect((await bench.host.health(subject.spec())).state).not.toBe('READY');
        } finally {
          await engine.start();
        }
        expect(await attempt.outcome).toMatchObject({ state: 'SUCCEEDED', message: '' });
        expect(attempt.streams.stdout).toMatch(/^run=\S+\ndone\n$/);
      });
    }
    if (refused) {
      it('its engine refuses', async () => {
        const other = refused.spec ? createBench(refused.spec()) : bench;
        const outcome = await other.run(refused.task()).finally(() => (other === bench ? undefined : other.close()));
        expect(outcome).toMatchObject({ state: 'FAILED', retryable: false });
        expect(outcome.message).toMatch(refused.message);
      });
    }
    if (missing) {
      it('its engine is not installed', async () => {
        const health = await bench.host.health(missing.spec());
        expect(health.state).not.toBe('READY');
        expect(health.message).toMatch(missing.message);
      });
    }

    it('its engine answers, and tells its version', async () => {
      expect(await bench.host.health(subject.spec())).toMatchObject({
        state: 'READY',
        version: expect.stringMatching(/\d/) as string,
        message: '',
      });
    });
  });
}
