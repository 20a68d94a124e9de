/** A TCP proxy in front of a service that can cut, hold, slow down and silence what passes through it. */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Proxy {
  /** The service's address with this proxy in its place. */
  readonly url: string;
  /** Connections that pass now. */
  open(): number;
  /** Cuts every connection at once; returns how many. */
  cut(): number;
  /**
   * What is asked still arrives, and its answer is thrown away; after the time the connections are cut. Returns how many
   * bytes of answers were lost.
   */
  loseAnswers(milliseconds: number): Promise<number>;
  /** Nothing passes in either direction for this long, on old connections and new ones; then it goes on. */
  hold(milliseconds: number): Promise<void>;
  /** Each piece of data comes so much later, until it is set to 0. */
  slow(milliseconds: number): void;
  /**
   * The connections of now stay open and nothing passes on them ever again: as when a firewall forgets them. Neither
   * side learns of it. New ones work. Returns how many.
   */
  silence(): number;
  /** New connections are refused from now on, until `accept`. */
  refuse(): void;
  accept(): void;
  close(): Promise<void>;
}

type Mode = 'passing' | 'losing' | 'silent';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  mode: Mode;
}

/** A forgotten connection ends some day: a server's own keep-alive finds it. */
const SILENT_MS = 60_000;

export async function startProxy(target: string): Promise<Proxy> {
  const to = new URL(target);
  const pairs = new Set<Pair>();
  let held: Promise<unknown> = Promise.resolve();
  let slowMs = 0;
  let refusing = false;
  let lostBytes = 0;

  const end = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  };

  /** One piece at a time: order is kept whatever the delays, and little is held. */
  const pass = (pair: Pair, from: Socket, into: Socket): void => {
    let passing: Promise<void> = Promise.resolve();
    const forward = async (data: Buffer): Promise<void> => {
      await held;
      if (slowMs > 0) await delay(slowMs);
      if (pair.mode === 'silent') return;
      if (pair.mode === 'losing' && from === pair.server) {
        lostBytes += data.length;
        return;
      }
      if (into.destroyed) return;
      await new Promise<void>((resolve) => into.write(data, () => resolve()));
    };
    from.on('data', (data: Buffer) => {
      from.pause();
      passing = forward(data).then(() => {
        if (!from.destroyed) from.resume();
      });
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      void passing.then(() => {
        if (pair.mode !== 'silent') end(pair);
      });
    });
  };

  const listener = createServer((client) => {
    if (refusing) {
      client.destroy();
      return;
    }
    const server = createConnection({ host: to.hostname, port: Number(to.port) });
    const pair: Pair = { client, server, mode: 'passing' };
    pairs.add(pair);
    for (const socket of [client, server]) socket.setNoDelay(true);
    pass(pair, client, server);
    pass(pair, server, client);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);
  const live = (): Pair[] => [...pairs].filter((pair) => pair.mode === 'passing' && !pair.client.destroyed);

  return {
    url: url.href,
    open: () => live().length,
    cut: () => {
      const cut = live();
      for (const pair of cut) end(pair);
      return cut.length;
    },
    loseAnswers: async (milliseconds) => {
      const before = lostBytes;
      const losing = live();
      for (const pair of losing) pair.mode = 'losing';
      await delay(milliseconds);
      for (const pair of losing) end(pair);
      return lostBytes - before;
    },
    hold: async (milliseconds) => {
      held = delay(milliseconds);
      await held;
    },
    slow: (milliseconds) => {
      slowMs = milliseconds;
    },
    silence: () => {
      const silenced = live();
      for (const pair of silenced) {
        pair.mode = 'silent';
        setTimeout(() => end(pair), SILENT_MS).unref();
      }
      return silenced.length;
    },
    refuse: () => {
      refusing = true;
    },
    accept: () => {
      refusing = false;
    },
    close: async () => {
      for (const pair of [...pairs]) end(pair);
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
