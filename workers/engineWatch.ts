/** Asks the engines behind a worker's Backends, again and again, and remembers which of them answer. */
import { tidyHealth, type BackendHealth } from '../src/domain/backendHealth';
import type { BackendSpec } from '../src/domain/definitions';
import { digestOf } from '../src/domain/digest';
import { messageOf } from '../src/domain/errors';

export interface EngineWatchOptions {
  readonly ask: (spec: BackendSpec) => Promise<BackendHealth>;
  /** Told of every answer, also when it is the same as before. */
  readonly tell: (backend: string, health: BackendHealth) => Promise<void>;
  /** Told when an engine answers that did not before. */
  readonly onReady: () => void;
  readonly log: (level: 'info' | 'warn', message: string) => void;
  /** Between two looks at an engine that answers. */
  readonly intervalMs: number;
  /** How long one look may take. */
  readonly answerMs?: number;
}

/** The engines of one worker. */
export interface EngineWatch {
  /** Watches these as well. One that is new or was defined anew is asked at once, and is not ready before it answered. */
  watch(backends: readonly BackendSpec[]): void;
  /** Whether the engine behind the Backend answered when it was asked last. */
  isReady(backend: string): boolean;
  /** Tells again what is known: the worker has a new number. */
  tellAgain(): void;
  stop(): void;
}

/** Longer than any engine of ours gives itself to tell its version. */
const ANSWER_MS = 45_000;
/** An engine that does not answer is asked again so soon, so that work goes on when it is back. */
const RETRY_MS = 5_000;

interface Watched {
  readonly spec: BackendSpec;
  readonly digest: string;
  health: BackendHealth | null;
  /** A question that is still open: there is never a second one. */
  asking: Promise<BackendHealth> | null;
  timer: NodeJS.Timeout | undefined;
}

export function createEngineWatch(options: EngineWatchOptions): EngineWatch {
  const { intervalMs, answerMs = ANSWER_MS, log } = options;
  const engines = new Map<string, Watched>();
  let stopped = false;

  const tell = (backend: string, health: BackendHealth): void => {
    options.tell(backend, health).catch((error: unknown) => {
      log('warn', `telling how backend ${backend} is: ${messageOf(error)}`);
    });
  };
  const answered = (engine: Watched, health: BackendHealth): void => {
    const { name } = engine.spec;
    const before = engine.health;
    engine.health = health;
    tell(name, health);
    if (health.state === 'READY') {
      if (before !== null && before.state !== 'READY') log('info', `backend ${name} is ready`);
      if (before?.state !== 'READY') options.onReady();
    } else if (before?.state !== health.state) {
      // What was never installed here is no trouble: others may have it, and whoever waits for it is told.
      const level = before === null && health.state === 'MISSING' ? 'info' : 'warn';
      log(level, `backend ${name} is ${health.state}: ${health.message}`);
    }
  };
  const look = async (engine: Watched): Promise<void> => {
    engine.asking ??= options.ask(engine.spec).finally(() => {
      engine.asking = null;
    });
    const health = tidyHealth(await inTime(engine.asking, answerMs));
    if (stopped || engines.get(engine.spec.name) !== engine) return;
    answered(engine, health);
    const pause = health.state === 'READY' ? intervalMs : Math.min(intervalMs, RETRY_MS);
    engine.timer = setTimeout(() => void look(engine), pause);
    engine.timer.unref();
  };

  return {
    watch: (backends) => {
      for (const spec of backends) {
        const digest = digestOf(spec);
        const known = engines.get(spec.name);
        if (known?.digest === digest) continue;
        clearTimeout(known?.timer);
        const engine: Watched = { spec, digest, health: null, asking: null, timer: undefined };
        engines.set(spec.name, engine);
        void look(engine);
      }
    },
    isReady: (backend) => engines.get(backend)?.health?.state === 'READY',
    tellAgain: () => {
      for (const [name, { health }] of engines) if (health) tell(name, health);
    },
    stop: () => {
      stopped = true;
      for (const { timer } of engines.values()) clearTimeout(timer);
    },
  };
}

/** The answer, or that there was none in time. Never rejects. */
async function inTime(answer: Promise<BackendHealth>, milliseconds: number): Promise<BackendHealth> {
  let timer: NodeJS.Timeout | undefined;
  const unavailable = (message: string): BackendHealth => ({ state: 'UNAVAILABLE', version: null, message });
  const late = new Promise<BackendHealth>((resolve) => {
    timer = setTimeout(
      () => resolve(unavailable(`Its engine gave no answer within ${milliseconds / 1_000} s.`)),
      milliseconds,
    );
  });
  const said = answer.catch((error: unknown) => unavailable(messageOf(error)));
  const first = await Promise.race([said, late]);
  clearTimeout(timer);
  return first;
}
