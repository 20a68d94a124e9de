/** The worker processes of a pool: started, recalled, let go, and found when they crash. */
import { fork, type ChildProcess } from 'node:child_process';

/** What a pool says to a worker process. */
export const RETIRE = 'retire';
export const RECALL = 'recall';

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
  /** Asks all to end, and waits until they have. */
  stop(): Promise<void>;
}

interface Running {
  readonly child: ChildProcess;
  readonly gone: Promise<void>;
  retiring: boolean;
}

export function createMembers(options: MembersOptions): Members {
  const members = new Map<number, Running>();
  let stopping = false;

  const say = (pid: number, word: typeof RETIRE | typeof RECALL): void => {
    const member = members.get(pid);
    if (!member) return;
    member.retiring = word === RETIRE;
    // One that is just ending hears nothing any more; its end is told below.
    if (member.child.connected) member.child.send(word, () => undefined);
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
    recall: (pid) => say(pid, RECALL),
    retire: (pid) => say(pid, RETIRE),
    stop: async () => {
      stopping = true;
      const all = [...members.values()];
      for (const { child } of all) child.kill('SIGTERM');
      await Promise.all(all.map(({ gone }) => gone));
    },
  };
}
