/** Looks at and ends what runs on Rserve's machine, by a session of its own that comes back when it is lost. */
import { setTimeout as delay } from 'node:timers/promises';
import { StepcastError } from '../../domain/errors';
import { connectRserve, type RserveAddress, type RserveConnection } from './connection';
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
  tail(path: string, from: number): Promise<Buffer>;
  signal(base: string, signal: 'TERM' | 'KILL'): Promise<number>;
  list(folder: string): Promise<readonly { readonly path: string; readonly isFolder: boolean }[]>;
  remove(base: string): Promise<void>;
  upload(path: string, content: AsyncIterable<Buffer>): Promise<void>;
  download(path: string): AsyncIterable<Buffer>;
  close(): void;
}

/** An Rserve that went away is asked again for so long, in milliseconds. */
const COMES_BACK_MS = 30_000;
const ASK_AGAIN_MS = 500;
const TAIL_BYTES = 256 * 1024;
const SIGNALS = { TERM: 15, KILL: 9 } as const;

/** The first session is opened at once: its troubles are thrown. */
export async function createWatcher(address: RserveAddress): Promise<Watcher> {
  let closed = false;
  const open = async (): Promise<RserveConnection> => {
    const connection = await connectRserve(address);
    await connection.evaluate(WATCHER);
    return connection;
  };
  let session = await open();

  /** Questions that may be asked twice. */
  async function ask(code: string): Promise<RValue> {
    const until = performance.now() + COMES_BACK_MS;
    for (;;) {
      try {
        return plain(
          await session.evaluate(`tryCatch({ ${code} }, error = function(e) c("\\001", conditionMessage(e)))`),
        );
      } catch (error) {
        if (closed || performance.now() > until || error instanceof RemoteError) throw error;
        await delay(ASK_AGAIN_MS);
        session.close();
        session = await open().catch(() => session);
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
      const value = await ask(`stepcast$tail(${quoted(path)}, ${from}, ${TAIL_BYTES})`);
      return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
    },
    signal: async (base, signal) =>
      Number((await texts(`stepcast$signal(${quoted(base)}, ${SIGNALS[signal]}L)`))[0] ?? 0),
    list: async (folder) =>
      (await texts(`stepcast$list(${quoted(folder)})`)).map((entry) => ({
        path: entry.slice(1),
        isFolder: entry.startsWith('D'),
      })),
    remove: async (base) => void (await ask(`{ stepcast$remove(${quoted(base)}); NULL }`)),
    upload: (path, content) => session.upload(path, content),
    download: (path) => session.download(path),
    close: () => {
      closed = true;
      session.close();
    },
  };
}

/** R itself told an error: asking again gives the same. */
class RemoteError extends StepcastError {}

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
