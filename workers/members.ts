/** The worker processes of a pool: started, recalled, let go, and found when they crash. */
import { fork, type ChildProcess } from 'node:child_process';
import { LEAVE } from '../src/config/parentWatch';

/** What a pool says to a worker process beside LEAVE: to take nothing new and leave when nothing runs, or to take work again. */
export const RETIRE = 'retire';
export const RECALL = 'recall';
type Word = typeof RETIRE | typeof RECALL | typeof LEAVE;

export interface MembersOptions {
  /** The program of a worker process. */
  readonly entry: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Told when one ended without being let go: its process id, and how it ended. */
  readonly onCrash: (pid: number, how: string) => void;
}

export interface Members {
  /** In the order of their start. */
  list(): readonly { readonly pid: number; readonly retiring: boolean }[];
  start(): void;
  recall(pid: number): void;
  retire(pid: number): void;
  /** Kills one that does not do what it is told; it counts as a crash. */
  kill(pid: number): void;
  /** Asks all to end, waits until they have, and kills those that have not by then. */
  stop(withinMs: number): Promise<void>;
}

interface Running {
  readonly child: ChildProcess;
  readonly gone: Promise<void>;
  retiring: boolean;
}

export function createMembers(options: MembersOptions): Members {
  const members = new Map<number, Running>();
  let stopping = false;

  const say = (child: ChildProcess, word: Word): void => {
    // One that is just ending hears nothing any more; its end is told below.
    if (child.connected) child.send(word, () => undefined);
  };
  const setRetiring = (pid: number, retiring: boolean): void => {
    const member = members.get(pid);
    if (!member) return;
    member.retiring = retiring;
    say(member.child, retiring ? RETIRE : RECALL);
  };

  return {
    list: () => [...members].map(([pid, { retiring }]) => ({ pid, retiring })),
    start: () => {
      if (stopping) return;
      // A session of its own: Ctrl-C in the terminal reaches only the pool, which stops all. Its end closes the channel.
      const child = fork(options.entry, [], {
        env: options.environment,
        detached: true,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const { pid } = child;
      child.on('error', () => undefined);
      if (pid === undefined) {
        options.onCrash(0, 'it could not be started');
        return;
      }
      const gone = new Promise<void>((resolve) => {
        child.once('exit', (code, signal) => {
          members.delete(pid);
          resolve();
          // With code 0 it left in good order, by our word or somebody else's.
          if (!stopping && code !== 0) options.onCrash(pid, signal ?? `code ${code ?? 1}`);
        });
      });
      members.set(pid, { child, gone, retiring: false });
    },
    recall: (pid) => setRetiring(pid, false),
    retire: (pid) => setRetiring(pid, true),
    kill: (pid) => void members.get(pid)?.child.kill('SIGKILL'),
    stop: async (withinMs) => {
      stopping = true;
      const all = [...members.values()];
      // No signal: who ends a whole group of processes by one has sent it to the workers too, and a second one ends them at once.
      for (const { child } of all) say(child, LEAVE);
      const late = setTimeout(() => all.forEach(({ child }) => child.kill('SIGKILL')), withinMs);
      await Promise.all(all.map(({ gone }) => gone));
      clearTimeout(late);
    },
  };
}
