import { fork, type ChildProcess } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { eventually } from './wait';

const project = path.join(__dirname, '../../..');
const START_MS = 60_000;
const STOP_MS = 15_000;

/** One API or worker process, under a name that outlives its restarts. */
export interface Managed {
  /** The process id it has now. */
  pid(): number;
  /** What it wrote on stderr since the first start, one JSON document per line. */
  output(): string;
  isRunning(): boolean;
  /** Settles when the process it is now has ended. */
  ended(): Promise<number | null>;
  /** Waits until a line matches that was written after `from` characters of output. */
  says(pattern: RegExp, from?: number): Promise<RegExpExecArray>;
  /** Sends the signal; resolves when the process has ended, with its exit code (null when a signal ended it). */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Sends a signal that does not end it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void;
  /** Sends a message over the channel, and resolves with the next one that comes back; rejects when it ends first. */
  ask(message: object): Promise<unknown>;
  /** Starts it again when it has ended; resolves when it serves. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>;
}

/** Starts a built entry point, such as `schema/main.js`, and waits until its log matches `ready`. */
export async function manage(
  entry: string,
  env: (restarted: boolean) => Readonly<Record<string, string>>,
  ready: RegExp,
): Promise<Managed> {
  let output = '';
  let child: ChildProcess;
  let ended: Promise<number | null>;
  let running = false;
  let extra: Readonly<Record<string, string>> = {};

  const says = async (pattern: RegExp, from = 0): Promise<RegExpExecArray> => {
    const find = (): RegExpExecArray | null => pattern.exec(output.slice(from));
    return eventually(
      `${entry} writes ${String(pattern)}`,
      () => {
        const found = find();
        if (!found && !running) throw new Error(`${entry} ended:\n${output.slice(from)}`);
        return found;
      },
      START_MS,
    );
  };
  const start = async (restarted: boolean): Promise<void> => {
    const from = output.length;
    // The channel ends with this process: whatever happens to the tests, nothing is left running.
    child = fork(path.join(project, 'dist', entry), [], {
      env: { ...env(restarted), ...extra },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    running = true;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (process.env['STEPCAST_TEST_LOG']) process.stderr.write(text);
    });
    ended = new Promise((resolve) =>
      child.once('close', (code) => {
        running = false;
        resolve(code);
      }),
    );
    await says(ready, from);
  };
  await start(false);

  return {
    pid: () => child.pid ?? 0,
    output: () => output,
    isRunning: () => running,
    ended: () => ended,
    says,
    end: async (signal = 'SIGKILL') => {
      if (running) child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      const code = await ended;
      clearTimeout(late);
      return code;
    },
    signal: (signal) => {
      if (!child.kill(signal)) throw new Error(`${entry} does not run`);
    },
    ask: (message) =>
      new Promise((resolve, reject) => {
        const asked = child;
        const onEnd = (): void => reject(new Error(`${entry} ended and gave no answer`));
        asked.once('close', onEnd);
        asked.once('message', (answer) => {
          asked.off('close', onEnd);
          resolve(answer);
        });
        asked.send(message, (error) => {
          if (error) reject(error);
        });
      }),
    restart: async (more = {}) => {
      await ended;
      extra = more;
      await start(true);
    },
  };
}

/** Process ids whose environment, command line or folder speaks of the text; zombies are not counted. */
export async function processesOf(text: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [environment, command, folder] = await Promise.all([
        readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''),
        readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
        readlink(`/proc/${pid}/cwd`).catch(() => ''),
      ]);
      return [environment, command, folder].some((where) => where.includes(text)) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}
