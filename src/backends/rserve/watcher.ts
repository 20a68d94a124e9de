/** Looks at and ends what runs on Rserve's machine, by a session of its own that comes back when it is lost. */
import { setTimeout as delay } from 'node:timers/promises';
import { StepcastError } from '../../domain/errors';
import type { RserveConnection } from './connection';
import { quoted, quotedAll, WATCHER } from './code';
import type { RValue } from './qap';

/** How an Attempt on Rserve's machine stands. */
export type RemoteState =
  | { readonly kind: 'beginning' | 'running' | 'gone' | 'missing' }
  | {
      readonly kind: 'ended';
      readonly exitCode: number;
      readonly cpuMs: number | null;
      readonly maxRssBytes: number | null;
    };

export interface Watcher {
  make(parent: string): Promise<string>;
  folders(paths: readonly string[]): Promise<void>;
  state(base: string): Promise<RemoteState>;
  /** What a file holds from there on, up to `PIECE_BYTES`; nothing at its end, or when it is not there. */
  tail(path: string, from: number): Promise<Buffer>;
  signal(base: string, signal: 'TERM' | 'KILL'): Promise<number>;
  /** What all processes of the Attempt hold, in bytes; null where the machine does not tell. `thorough`: also what left its parents. */
  used(base: string, limitBytes: number, thorough: boolean): Promise<number | null>;
  list(folder: string): Promise<readonly RemoteEntry[]>;
  remove(base: string): Promise<void>;
  upload(path: string, content: AsyncIterable<Buffer>): Promise<void>;
  close(): void;
}

/** A folder, or a file with its size in bytes. */
export type RemoteEntry = { readonly path: string } & (
  { readonly kind: 'folder' } | { readonly kind: 'file'; readonly size: number }
);

/** An Rserve that went away is asked again for so long, in milliseconds. */
const COMES_BACK_MS = 30_000;
const ASK_AGAIN_MS = 500;
const PIECE_BYTES = 1024 * 1024;
const SIGNALS = { TERM: 15, KILL: 9 } as const;

/** The first session is opened at once: its troubles are thrown. */
export async function createWatcher(connect: () => Promise<RserveConnection>): Promise<Watcher> {
  let closed = false;
  const open = async (): Promise<RserveConnection> => {
    const connection = await connect();
    try {
      await connection.evaluate(WATCHER);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  };
  let session = await open();
  let reopening: Promise<void> | undefined;

  /** Once for all questions that were lost together. */
  const reopen = (lost: RserveConnection): Promise<void> => {
    if (closed || lost !== session) return Promise.resolve();
    lost.close();
    reopening ??= open()
      .then((next) => {
        session = next;
        if (closed) next.close();
      })
      .catch(() => {}) // who asks next tries again
      .finally(() => (reopening = undefined));
    return reopening;
  };

  /** Questions that may be asked twice. */
  async function ask(code: string): Promise<RValue> {
    let until: number | undefined;
    for (;;) {
      const asked = session;
      try {
        return plain(
          await asked.evaluate(`tryCatch({ ${code} }, error = function(e) c("\\001", conditionMessage(e)))`),
        );
      } catch (error) {
        until ??= performance.now() + COMES_BACK_MS;
        if (closed || performance.now() > until || error instanceof RemoteError) throw error;
        await delay(ASK_AGAIN_MS);
        await reopen(asked);
      }
    }
  }
  const texts = async (code: string): Promise<readonly string[]> => {
    const value = await ask(code);
    return value === null || Buffer.isBuffer(value) ? [] : value;
  };

  return {
    make: async (parent) => (await texts(`stepcast$make(${quoted(parent)})`))[0] ?? '',
    folders: async (paths) => void (await ask(`{ stepcast$folders(${quotedAll(paths)}); NULL }`)),
    state: async (base) => stateOf((await texts(`stepcast$state(${quoted(base)})`))[0] ?? ''),
    tail: async (path, from) => {
      const value = await ask(`stepcast$tail(${quoted(path)}, ${from}, ${PIECE_BYTES})`);
      return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
    },
    signal: async (base, signal) =>
      Number((await texts(`stepcast$signal(${quoted(base)}, ${SIGNALS[signal]}L)`))[0] ?? 0),
    used: async (base, limitBytes, thorough) => {
      const [word = ''] = await texts(`stepcast$used(${quoted(base)}, ${limitBytes}, ${thorough ? 'TRUE' : 'FALSE'})`);
      return word === '' ? null : Number(word);
    },
    list: async (folder) => (await texts(`stepcast$list(${quoted(folder)})`)).map(entryOf),
    remove: async (base) => void (await ask(`{ stepcast$remove(${quoted(base)}); NULL }`)),
    upload: (path, content) => session.upload(path, content),
    close: () => {
      closed = true;
      session.close();
    },
  };
}

/** R itself told an error: asking again gives the same. */
export class RemoteError extends StepcastError {}

/** `D folder` or `123 file`. */
function entryOf(told: string): RemoteEntry {
  const [kind = '', path] = [told.slice(0, told.indexOf(' ')), told.slice(told.indexOf(' ') + 1)];
  return kind === 'D' ? { kind: 'folder', path } : { kind: 'file', path, size: Number(kind) };
}

function plain(value: RValue): RValue {
  if (value === null || Buffer.isBuffer(value)) return value;
  const [first, message = ''] = value;
  if (first === '\u0001') throw new RemoteError('UNAVAILABLE', `R on Rserve's machine: ${message}`);
  return value;
}

function stateOf(word: string): RemoteState {
  switch (word) {
    case 'BEGINNING':
      return { kind: 'beginning' };
    case 'RUNNING':
      return { kind: 'running' };
    case 'MISSING':
      return { kind: 'missing' };
    default: {
      const [code, cpu, memory] = word.split(' ');
      if (code === undefined || !/^-?\d+$/.test(code)) return { kind: 'gone' };
      return {
        kind: 'ended',
        exitCode: Number(code) & 0xff,
        cpuMs: cpu === undefined || cpu === '' ? null : Number(cpu),
        maxRssBytes: memory === undefined || memory === '' ? null : Number(memory) * 1024,
      };
    }
  }
}
