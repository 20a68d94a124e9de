import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHost } from '../../src/backends/host';
import { isRunning } from '../backends/support';
import { compile } from './compile';

let home: string;
let workDir: string;
beforeAll(() => {
  home = compile('src/domain', 'src/artifacts', 'src/backends', 'workers/guard.ts');
  workDir = join(home, 'work');
  writeFileSync(join(home, 'worker.js'), WORKER);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A worker in small: a guard, and one command that does everything to survive. */
const WORKER = `
  const { createHost } = require('./src/backends/host');
  const { startGuard } = require('./workers/guard');
  const [workDir, guarded] = process.argv.slice(2);
  const host = createHost({ workDir, workerId: 'victim', artifacts: {} });
  const guard = guarded === 'guarded' ? startGuard({ workerId: 'victim', log: console.log }) : undefined;
  if (guard) console.log('guard=' + guard.pid + ';');
  process.on('message', async (what) => {
    if (what !== 'close') return;
    await host.close();
    await guard.close();
    console.log('closed;');
    process.disconnect();
  });
  const script = \`
    trap '' TERM
    sleep 1000 & echo "child=$!;"
    setsid sh -c 'trap "" TERM; echo "session=$$;"; sleep 1000 & echo "grandchild=$!;"; wait' &
    (setsid sh -c 'echo "orphan=$$;"; exec sleep 1000 >/dev/null 2>&1' &)
    echo "main=$$;"
    wait\`;
  const command = { kind: 'shell', script };
  const task = { inputs: [], outputs: [], parameters: [], environment: {}, command, timeoutSeconds: 600,
    exitRules: { success: [0], temporary: [], terminate: [] }, missingOutput: 'FAIL' };
  host.start({ stepRunId: 'r', attempt: 1, task, values: {}, backend: { name: 'local', kind: 'LOCAL', environment: {}, options: {} } },
    { log: (_, bytes) => process.stdout.write(bytes), progress() {} });
`;

const COMMAND = ['main', 'child', 'session', 'grandchild', 'orphan'];

interface Worker {
  readonly process: ChildProcess;
  until(text: string): Promise<void>;
  pid(name: string): number;
  commandPids(): number[];
}

async function startWorker(mode: 'guarded' | 'alone'): Promise<Worker> {
  const child = spawn(process.execPath, [join(home, 'worker.js'), workDir, mode], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  child.stdout?.on('data', (bytes: Buffer) => {
    output += bytes.toString();
    for (const look of waiting) look();
  });
  const worker: Worker = {
    process: child,
    until: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!output.includes(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    pid: (name) => Number(new RegExp(`${name}=(\\d+);`).exec(output)?.[1]),
    commandPids: () => COMMAND.map((name) => worker.pid(name)),
  };
  for (const name of mode === 'guarded' ? ['guard', ...COMMAND] : COMMAND) await worker.until(`${name}=`);
  while (worker.commandPids().some(Number.isNaN)) await new Promise(setImmediate);
  return worker;
}

/** Resolves when none of the processes runs any more; the test's own time limit is the only other end. */
async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 5));
}

const exited = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once('exit', resolve));

test('a worker killed outright takes its commands along, and its guard goes last', async () => {
  const worker = await startWorker('guarded');
  const pids = worker.commandPids();
  expect(pids.filter(isRunning)).toEqual(pids);
  worker.process.kill('SIGKILL');
  await untilGone(pids);
  await untilGone([worker.pid('guard')]);
});

test('a guard does not listen to the signals that end its worker', async () => {
  const worker = await startWorker('guarded');
  const guard = worker.pid('guard');
  // SIGHUP, SIGINT and SIGTERM: before its handlers stand, the guard is still starting.
  const handled = (): boolean => {
    const caught = /^SigCgt:\s+(\w+)/m.exec(readFileSync(`/proc/${guard}/status`, 'latin1'))?.[1] ?? '0';
    return (BigInt(`0x${caught}`) & 0x4003n) === 0x4003n;
  };
  while (!handled()) await new Promise((resolve) => setTimeout(resolve, 5));
  process.kill(guard, 'SIGINT');
  process.kill(guard, 'SIGHUP');
  worker.process.kill('SIGKILL');
  await untilGone([...worker.commandPids(), guard]);
});

test('a guard that died is replaced, and the new one guards', async () => {
  const worker = await startWorker('guarded');
  process.kill(worker.pid('guard'), 'SIGKILL');
  await worker.until('another one starts');
  const parent = worker.process.pid ?? 0;
  const children = (): string =>
    readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1')
      .split(' ')
      .filter((pid) => pid && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('guard.js'))
      .join();
  while (children() === '' || children() === String(worker.pid('guard'))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  worker.process.kill('SIGKILL');
  await untilGone(worker.commandPids());
});

test('a worker that closes lets its guard go', async () => {
  const worker = await startWorker('guarded');
  worker.process.send('close');
  await worker.until('closed;');
  await exited(worker.process);
  expect([...worker.commandPids(), worker.pid('guard')].filter(isRunning)).toEqual([]);
});

test('what a worker without a guard left, the next one on the machine sweeps up, with its folders', async () => {
  const worker = await startWorker('alone');
  const pids = worker.commandPids();
  worker.process.kill('SIGKILL');
  await exited(worker.process);
  expect(pids.filter(isRunning)).toEqual(pids);
  const next = createHost({ workDir, workerId: 'next', artifacts: {} as never });
  expect(await next.sweep()).toBeGreaterThanOrEqual(pids.length);
  expect(pids.filter(isRunning)).toEqual([]);
  expect(readdirSync(workDir)).toEqual([]);
  await next.close();
});
