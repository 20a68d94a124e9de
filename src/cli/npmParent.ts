import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isAlive } from '../embedded';

const POLL_MS = 1_000;

/** Calls `stop` when the npm that started us is killed, which it cannot tell. Does nothing when npm did not start us. */
export function stopWithNpm(stop: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const npm = npmProcess();
  if (npm === undefined) return;
  const timer = setInterval(() => {
    if (isAlive(npm)) return;
    clearInterval(timer);
    stop();
  }, POLL_MS);
  timer.unref();
}

/** npm is our parent, or, where it starts scripts through a shell, the parent of that. */
function npmProcess(): number | undefined {
  const parent = describe(process.ppid);
  if (parent === undefined) return undefined;
  return /\bnpm\b/.test(parent.command) ? process.ppid : parent.parent;
}

function describe(pid: number): { readonly parent: number; readonly command: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces: fields are counted from behind it.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return { parent, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') };
  } catch {
    return describeByPs(pid);
  }
}

function describeByPs(pid: number): { readonly parent: number; readonly command: string } | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' });
    const [, parent, command] = /^\s*(\d+)\s+(.*)$/m.exec(line) ?? [];
    return parent === undefined || command === undefined ? undefined : { parent: Number(parent), command };
  } catch {
    return undefined;
  }
}
