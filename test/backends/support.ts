/** What the tests of Backends share: a worker's set-up in a temporary folder, and Tasks written short. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createLocalStore } from '../../src/artifacts/localStore';
import type { ArtifactStore } from '../../src/artifacts/store';
import { createHost, type BackendHost, type HostOptions } from '../../src/backends/host';
import type { AttemptOutcome, AttemptRequest, RunningAttempt } from '../../src/backends/backend';
import type { ArgvPart, BackendSpec, InputPort, OutputPort, TaskSpec } from '../../src/domain/definitions';
import { scalar, type FileValue, type Value, type Values } from '../../src/domain/values';

export function task(
  command: readonly (string | ArgvPart)[] | { script: string },
  more: Partial<TaskSpec> = {},
): TaskSpec {
  return {
    name: 'test',
    description: '',
    backend: 'local',
    inputs: [],
    parameters: [],
    outputs: [],
    command:
      'script' in command
        ? { kind: 'shell', script: command.script }
        : {
            kind: 'argv',
            argv: command.map((word) => ({
              parts: [typeof word === 'string' ? { kind: 'literal', text: word } : word],
            })),
          },
    environment: {},
    exitRules: { success: [0], temporary: [], terminate: [] },
    missingOutput: 'FAIL',
    retry: { maxAttempts: 1, initialDelaySeconds: 1, maxDelaySeconds: 1, factor: 1 },
    timeoutSeconds: 60,
    configuration: [],
    ...more,
  };
}

export function inputPort(name: string, type = scalar('File')): InputPort {
  return { name, description: '', type };
}

export function outputPort(name: string, more: Partial<OutputPort> = {}): OutputPort {
  const glob = more.glob ?? name;
  return { name, description: '', type: scalar('File'), from: 'glob', glob, path: glob, read: 'file', ...more };
}

export interface Watched extends RunningAttempt {
  readonly stepRunId: string;
  /** All output so far, of both streams as it came. */
  output(): string;
  readonly streams: Readonly<Record<'stdout' | 'stderr', string>>;
  /** What the Backend said about it. */
  readonly notes: readonly string[];
  /** Resolves when the output so far, of both streams or of one, holds the text, while the command runs. */
  until(text: string, stream?: 'stdout' | 'stderr'): Promise<void>;
  readonly reports: [number, string][];
}

/** The Backend that is always there. */
export const LOCAL: BackendSpec = { name: 'local', kind: 'LOCAL', description: '', environment: {}, options: {} };

export type Ran = AttemptOutcome & Pick<Watched, 'streams' | 'notes' | 'reports'> & { readonly output: string };

export interface Bench {
  readonly home: string;
  readonly workDir: string;
  readonly host: BackendHost;
  readonly artifacts: ArtifactStore;
  start(spec: TaskSpec, values?: Values, more?: Partial<AttemptRequest>): Watched;
  run(spec: TaskSpec, values?: Values): Promise<Ran>;
  file(name: string, content: string): Promise<FileValue>;
  content(value: Value | undefined): Promise<string>;
  close(): Promise<void>;
}

let count = 0;
/** A host ends what carries its worker's mark and is none of its own. */
let benches = 0;

/** A worker's host that runs all on the given Backend. */
export function createBench(backend: BackendSpec = LOCAL, more: Partial<HostOptions> = {}): Bench {
  const home = mkdtempSync(join(tmpdir(), 'stepcast-local-'));
  // Jobs of other users pass through.
  chmodSync(home, 0o711);
  const workDir = join(home, 'work');
  symlinkSync(join(__dirname, '../../examples/plugins'), join(home, 'plugins'));
  const artifacts = createLocalStore(join(home, 'artifacts'));
  const host = createHost({ workDir, workerId: `test-${process.pid}-${++benches}`, artifacts, ...more });

  function start(spec: TaskSpec, values: Values = {}, more: Partial<AttemptRequest> = {}): Watched {
    let output = '';
    const waiting = new Set<() => void>();
    const reports: [number, string][] = [];
    const stepRunId = more.stepRunId ?? `run-${++count}`;
    const streams = { stdout: '', stderr: '' };
    const notes: string[] = [];
    const attempt = host.start(
      {
        stepRunId,
        attempt: 1,
        task: spec,
        backend,
        values,
        ...(spec.resources ? { resources: spec.resources } : {}),
        ...more,
      },
      {
        log: (stream, bytes) => {
          output += bytes.toString();
          streams[stream] += bytes.toString();
          for (const look of waiting) look();
        },
        progress: (percent, message) => void reports.push([percent, message]),
        note: (message) => void notes.push(message),
      },
    );
    const until = (text: string, stream?: 'stdout' | 'stderr'): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!(stream ? streams[stream] : output).includes(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void attempt.outcome.then((outcome) => reject(new Error(`It ended: ${outcome.message} ${output}`)), reject);
      });
    return { ...attempt, stepRunId, output: () => output, streams, notes, until, reports };
  }

  return {
    home,
    workDir,
    host,
    artifacts,
    start,
    async run(spec, values) {
      const attempt = start(spec, values);
      const outcome = await attempt.outcome;
      const { streams, notes, reports } = attempt;
      return { ...outcome, output: attempt.output(), streams, notes, reports };
    },
    async file(name, content) {
      const stored = await artifacts.write(Readable.from([Buffer.from(content)]));
      return { class: 'File', name, ...stored, mediaType: 'text/plain' };
    },
    async content(value) {
      const file = value as FileValue;
      const chunks: Buffer[] = [];
      for await (const chunk of artifacts.read(file.sha256)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString();
    },
    async close() {
      await host.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Makes benches that are closed after each test; to be called where `afterEach` may be. */
export function keepBenches(): typeof createBench {
  const open: Bench[] = [];
  afterEach(async () => {
    for (const bench of open.splice(0)) await bench.close();
  });
  return (...given) => {
    const bench = createBench(...given);
    open.push(bench);
    return bench;
  };
}

/** A busy machine may let the half second pass in which a command can tidy up before that runs at all: not each time. */
const TRIES_TO_TIDY = 5;

/** Resolves when the output of a cancelled command says `tidy`. */
export async function untilTidy(cancelled: () => Promise<string>): Promise<void> {
  for (let tries = 0; tries < TRIES_TO_TIDY; tries += 1) if ((await cancelled()).includes('tidy')) return;
  throw new Error(`It could not tidy up in ${TRIES_TO_TIDY} tries.`);
}

/** True while the process exists and is no zombie. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** Reads the pids that a command printed as `name=123`. */
export function pidsIn(output: string): number[] {
  return [...output.matchAll(/\w+=(\d+)\b/g)].map((match) => Number(match[1]));
}
