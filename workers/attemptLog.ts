/** The log of one Attempt on its way to Postgres: small delay, few statements, bounded size, bounded memory. */
import type { PubSub } from '../src/delivery/pubsub';
import type { Database } from '../src/store/database';
import { appendLog, logSize, type LogStream } from '../src/store/statements/logs';
import { joinPieces, wholeCharacters, type LogPiece } from './logPieces';

export interface AttemptLog {
  /** Resolves when there is room for more: backpressure for the command's pipe. */
  write(stream: LogStream, bytes: Buffer): Promise<void>;
  /** Adds a line of the worker's own. */
  note(text: string): void;
  /** Resolves when all is stored, or given up. Never rejects: a log that cannot be stored does not fail its step. */
  close(): Promise<void>;
}

/** Output is gathered for this long, so that a chatty command costs few statements. */
const FLUSH_MS = 50;
export const CHUNK_BYTES = 65_536;
/** Past this much unstored output the command's pipe waits. */
const HIGH_WATER_BYTES = 4 * CHUNK_BYTES;
/** Postgres may be away for a while; then the output waits, and the command with it. */
const RETRY_MS = [100, 300, 1_000, 3_000, 5_000, 5_000, 5_000, 5_000] as const;

class AppendFailure extends Error {
  constructor(
    readonly end: number,
    cause: unknown,
  ) {
    super('the log was not stored', { cause });
  }
}

export function openAttemptLog(
  {
    db,
    pubsub,
    maxBytes,
    onTrouble,
  }: { db: Database; pubsub: Pick<PubSub, 'publish'>; maxBytes: number; onTrouble: (error: unknown) => void },
  stepRunId: string,
  attempt: number,
): AttemptLog {
  // Only a later Attempt finds something before it; the first begins at 0 without asking.
  let offset: number | null = attempt === 1 ? 0 : null;
  /** Bytes of all Attempts, for the limit; null until it is known. */
  let accepted = attempt === 1 ? 0 : null;
  let cut = false;
  let pieces: LogPiece[] = [];
  let unstored = 0;
  let storing: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  const whole = { stdout: wholeCharacters(), stderr: wholeCharacters(), system: wholeCharacters() };

  const store = async (batch: readonly LogPiece[], failed: { readonly end: number } | null): Promise<void> => {
    const start = failed || offset === null ? await logSize(db, stepRunId) : offset;
    offset = start;
    // The answer to the try before was lost, not the bytes.
    if (failed && start >= failed.end) return;
    let end = start;
    const chunks = joinPieces(batch, CHUNK_BYTES).map(({ stream, data }) => {
      const chunk = { stepRunId, startByte: end, attempt, stream, data };
      end += data.length;
      return chunk;
    });
    try {
      await appendLog(db, chunks);
    } catch (error) {
      throw new AppendFailure(end, error);
    }
    offset = end;
    pubsub.publish(`log:${stepRunId}`, String(end));
  };
  const storeAll = async (): Promise<void> => {
    while (pieces.length > 0) {
      const batch = pieces;
      pieces = [];
      await storeTrying(batch);
      unstored -= batch.reduce((sum, piece) => sum + piece.data.length, 0);
    }
    storing = null;
  };
  const storeTrying = async (batch: readonly LogPiece[]): Promise<void> => {
    let failed: { readonly end: number } | null = null;
    for (let tries = 0; ; tries += 1) {
      try {
        await store(batch, failed);
        return;
      } catch (error) {
        onTrouble(error instanceof AppendFailure ? error.cause : error);
        const delay = RETRY_MS[tries];
        if (delay === undefined) return;
        if (error instanceof AppendFailure) failed = { end: error.end };
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  };
  const flush = (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (pieces.length > 0) storing ??= storeAll();
    return storing ?? Promise.resolve();
  };
  const add = (stream: LogStream, data: Buffer): void => {
    if (data.length === 0) return;
    pieces.push({ stream, data });
    unstored += data.length;
    timer ??= setTimeout(() => void flush(), FLUSH_MS);
  };

  return {
    write: async (stream, bytes) => {
      if (accepted === null) {
        const before = await logSize(db, stepRunId).catch(() => 0);
        accepted ??= before;
      }
      if (cut) return;
      const room = Math.max(0, maxBytes - accepted);
      accepted += bytes.length;
      add(stream, whole[stream].take(bytes.subarray(0, room)));
      if (bytes.length > room) {
        cut = true;
        add('system', Buffer.from(`\n[log cut at ${maxBytes} bytes; the command runs on]\n`));
      }
      if (unstored >= HIGH_WATER_BYTES) await flush();
    },
    note: (text) => add('system', Buffer.from(`${text}\n`)),
    close: async () => {
      if (!cut) for (const stream of ['stdout', 'stderr'] as const) add(stream, whole[stream].rest());
      await flush();
    },
  };
}
