import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { ConnectionLost, unreachable, type Api } from './api';
import type { CommandError } from './commandError';

const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 3_000;
/** A server that stays away longer is given up. */
const GIVE_UP_MS = 120_000;

export interface ResumedOptions<Data, Item> {
  readonly query: string;
  readonly data: z.ZodType<Data>;
  readonly itemOf: (data: Data) => Item;
  /** The variables that take it up behind an item; undefined at the start. */
  readonly variables: (last: Item | undefined) => Readonly<Record<string, unknown>>;
  /** The server has ended the stream: whether that was the end. */
  readonly isOver: (last: Item | undefined) => boolean | Promise<boolean>;
  readonly onLost?: () => void;
  readonly onBack?: () => void;
  readonly signal?: AbortSignal;
}

/** A subscription that goes on behind what was seen when the connection breaks or the server is started again. */
export async function* resumed<Data, Item>(api: Api, options: ResumedOptions<Data, Item>): AsyncGenerator<Item> {
  let last: Item | undefined;
  let lostAt: number | undefined;
  for (let tries = 0; !options.signal?.aborted; tries += 1) {
    try {
      for await (const data of api.subscribe(options.data, options.query, options.variables(last), options.signal)) {
        if (lostAt !== undefined) options.onBack?.();
        lostAt = undefined;
        tries = 0;
        last = options.itemOf(data);
        yield last;
      }
      if (options.signal?.aborted || (await options.isOver(last))) return;
    } catch (thrown) {
      if (!(thrown instanceof ConnectionLost) && !isUnreachable(thrown)) throw thrown;
    }
    if (lostAt === undefined) {
      lostAt = Date.now();
      options.onLost?.();
    } else if (Date.now() - lostAt > GIVE_UP_MS) {
      throw unreachable(api.url, new Error(`silent for ${GIVE_UP_MS / 1_000} s`));
    }
    await delay(Math.min(FIRST_WAIT_MS * 2 ** Math.min(tries, 10), MAX_WAIT_MS), undefined, {
      signal: options.signal,
    }).catch(() => undefined);
  }
}

function isUnreachable(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'CommandError' && (thrown as CommandError).exitCode === 3;
}
