import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { StepcastError } from '../domain/errors';
import { Rejection, type SpecOf, type Validator } from './validator';

/** Of the command's output, how much of the end is looked at for the reason. */
const KEPT_OUTPUT_BYTES = 4096;
const REASON_CHARACTERS = 300;

/**
 * The definer's own command, on a copy of the file: exit 0 accepts, and otherwise the last line of its standard
 * output is the reason, or of its standard error when it wrote nothing else (two pipes keep no order between them). It has an empty standard input, a clean environment and a folder of its own;
 * it and all it started in its process group are gone when this returns. INVALID_DEFINITION when it cannot be started.
 */
export const command: Validator<SpecOf<'command'>> = async ({ argv, timeoutSeconds }, { file }, { store, workDir }) => {
  await mkdir(workDir, { recursive: true });
  const folder = await mkdtemp(join(workDir, 'validate-'));
  try {
    const name = basename(file.name);
    const staged = join(folder, name === '' || name === '.' || name === '..' ? 'file' : name);
    await store.stage(file.sha256, staged);
    // `$FILES` is another word; the path is never read as a pattern.
    const [program = '', ...words] = argv.map((word) => word.replace(/\$FILE(?![A-Za-z0-9_])/g, () => staged));
    await run(program, words, folder, timeoutSeconds);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function run(program: string, words: readonly string[], folder: string, timeoutSeconds: number): Promise<void> {
  const child = spawn(program, words, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', HOME: folder, TMPDIR: folder, LANG: 'C.UTF-8' },
  });
  const output = keepEnd(child.stdout);
  const errors = keepEnd(child.stderr);

  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child);
  }, timeoutSeconds * 1000);
  // What it left behind holds the pipes open, and `close` back.
  child.once('exit', () => killGroup(child));
  let ended: [code: number | null, signal: NodeJS.Signals | null];
  try {
    ended = (await once(child, 'close')) as typeof ended;
  } catch (error) {
    throw new StepcastError('INVALID_DEFINITION', `The validator's command ${program} cannot be started.`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
  const [code, signal] = ended;
  if (isLate)
    throw new Rejection(`The check by ${basename(program)} took longer than ${timeoutSeconds} s and was ended.`);
  if (code === 0) return;
  const how = signal === null ? `ended with exit code ${code ?? 'unknown'}` : `was ended by ${signal}`;
  throw new Rejection(
    lastLine(output()) ?? lastLine(errors()) ?? `The check by ${basename(program)} ${how} and gave no reason.`,
  );
}

/** Reads the stream to its end and gives the last of it. */
function keepEnd(stream: Readable): () => Buffer {
  let end: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    end = Buffer.concat([end, chunk]).subarray(-KEPT_OUTPUT_BYTES);
  });
  return () => end;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The whole group is gone already.
  }
}

function lastLine(output: Buffer): string | undefined {
  const lines = output.toString('utf8').split(/\r\n|\n|\r/);
  const last = lines
    .map((line) => line.replace(/\p{Cc}+/gu, ' ').trim())
    .filter((line) => line !== '')
    .at(-1);
  return last?.slice(0, REASON_CHARACTERS);
}
