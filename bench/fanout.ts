/** 2,000 subscribers of one Submission: how fast an Event reaches the last one, and what they cost while nothing happens. */
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { rssOf } from './memory';
import type { Message } from './subscribers';
import { quantile, withApp, type App, type Bench, type Row } from './support';

const SUBSCRIBERS = 2_000;
const PER_CONNECTION = 100;
const WAYS = [SUBSCRIBERS / PER_CONNECTION, SUBSCRIBERS] as const;
const ROUNDS = 25;
const QUICK_ROUNDS = 5;
/** Rounds that warm up and do not count. */
const WARM_UP = 3;
const BETWEEN_MS = 400;
/** Garbage of the opening is collected by then. */
const IDLE_MS = 5_000;
const REACH_MS = 100;
const REACH_BYTES = 400e6;

export const fanout: Bench = {
  name: 'fanout',
  run: async ({ services, quick }) => {
    const rows: Row[] = [];
    for (const connections of WAYS) {
      rows.push(...(await withApp(services, (app) => measure(app, connections, quick ? QUICK_ROUNDS : ROUNDS))));
    }
    return rows;
  },
};

async function measure({ api, apiPid }: App, connections: number, rounds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'stepcast-bench-pipe-'));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const before = rssOf(apiPid);
  const id = await api.submit('bench-tell', { pipe });
  // Opens when the command has opened its end.
  const teller = await open(pipe, 'w');
  const each = SUBSCRIBERS / connections;
  const socketUrl = `${api.url.replace('http', 'ws')}/graphql`;
  const clients = fork(join(__dirname, 'subscribers.js'), [socketUrl, id, String(connections), String(each)]);
  try {
    await message(clients, (one) => one.kind === 'ready');
    await delay(IDLE_MS);
    const idle = rssOf(apiPid);
    const first: number[] = [];
    const last: number[] = [];
    for (let round = 1; round <= rounds + WARM_UP; round += 1) {
      const told = message(clients, (one) => one.kind === 'all' && one.seq > 3);
      await teller.write(`${round}\n`);
      const all = await told;
      if (all.kind === 'all' && round > WARM_UP) {
        first.push(all.first - all.at);
        last.push(all.last - all.at);
      }
      await delay(BETWEEN_MS);
    }
    const p50 = quantile(last, 0.5);
    const way = `${connections.toLocaleString('en')} connections × ${each}`;
    return [
      {
        what: `publish → last of ${SUBSCRIBERS.toLocaleString('en')} subscribers (${way})`,
        figure: `${p50.toFixed(0)} ms`,
        reach: `≤ ${REACH_MS} ms`,
        met: p50 <= REACH_MS,
        detail: `p95 ${quantile(last, 0.95).toFixed(0)} ms; first client ${quantile(first, 0.5).toFixed(0)} ms; ${rounds} events`,
      },
      {
        what: `API memory, ${SUBSCRIBERS.toLocaleString('en')} idle subscribers (${way})`,
        figure: `${(idle / 1e6).toFixed(0)} MB`,
        reach: `≤ ${REACH_BYTES / 1e6} MB`,
        met: idle <= REACH_BYTES,
        detail: `before them ${(before / 1e6).toFixed(0)} MB`,
      },
    ];
  } finally {
    await teller.close();
    clients.kill();
    if (clients.exitCode === null && clients.signalCode === null) await once(clients, 'exit');
    await api.ended(id);
    rmSync(folder, { recursive: true });
  }
}

function message(child: ChildProcess, wanted: (message: Message) => boolean): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('The subscribers ended'));
    const take = (received: unknown): void => {
      const one = received as Message;
      if (!wanted(one)) return;
      child.off('message', take).off('exit', ended);
      resolve(one);
    };
    child.on('message', take).once('exit', ended);
  });
}
