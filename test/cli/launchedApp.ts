import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isAlive } from '../../src/embedded';

export const project = path.join(__dirname, '../..');
const loader = path.join(project, 'test/support/typescript.cjs');
export const READY = 'Ctrl-C stops everything.';

/** A copy of the launcher with an API and a worker of the test's choice beside it. */
export interface App {
  readonly folder: string;
  start(environment?: Record<string, string>, command?: readonly string[]): Promise<Launcher>;
  /** Stops every launcher that still runs. */
  stopAll(): Promise<void>;
  remove(): Promise<void>;
}

/** The launcher in a process of its own. */
export interface Launcher {
  readonly process: ChildProcess;
  readonly home: string;
  readonly ended: Promise<number | null>;
  output(): string;
  /** Waits for a text on the terminal, as often as told. */
  says(text: string | RegExp, times?: number): Promise<string>;
}

/** Copies the named source folders into the place of the built ones, and lays the two programs over them. */
export async function makeApp(
  copied: readonly string[],
  programs: { readonly api: string; readonly worker: string },
): Promise<App> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'stepcast-launcher-'));
  const folder = path.join(root, 'dist');
  for (const part of copied) await cp(path.join(project, part), path.join(folder, part), { recursive: true });
  for (const part of ['node_modules', 'examples']) await symlink(path.join(project, part), path.join(root, part));
  for (const [file, text] of [
    ['schema/main.js', programs.api],
    ['workers/main.js', programs.worker],
  ] as const) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), text);
  }
  const started: Launcher[] = [];
  return {
    folder,
    start: async (environment = {}, command = [process.execPath, path.join(folder, 'src/cli/start.ts')]) => {
      const home = environment['STEPCAST_HOME'] ?? (await mkdtemp(path.join(folder, 'home-')));
      const launcher = startLauncher(folder, home, environment, command);
      started.push(launcher);
      return launcher;
    },
    stopAll: async () => {
      for (const launcher of started.splice(0)) {
        if (launcher.process.exitCode === null && launcher.process.signalCode === null)
          launcher.process.kill('SIGTERM');
        await launcher.ended;
      }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

function startLauncher(
  folder: string,
  home: string,
  environment: Record<string, string>,
  command: readonly string[],
): Launcher {
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: '0', STEPCAST_HOME: home, NODE_OPTIONS: `-r ${loader}`, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      waiting.forEach((look) => look());
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    process: child,
    home,
    ended,
    output: () => output,
    says: (text, times = 1) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.split(text).length <= times) return;
          waiting.delete(look);
          resolve(output);
        };
        waiting.add(look);
        void ended.then(() => reject(new Error(`ended without saying ${String(text)}:\n${output}`)));
        look();
      }),
  };
}

/** Where the started API answers, read from the terminal. */
export function urlIn(output: string): string {
  return /GraphQL API {2}(\S+)\/graphql/.exec(output)?.[1] ?? '';
}

export async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 10));
}
