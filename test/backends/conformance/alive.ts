/** Processes of this machine, also those inside of containers, that carry a token in their command lines. */
import { readdirSync, readFileSync } from 'node:fs';

export function alive(token: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(token) &&
          !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
        );
      } catch {
        return false; // it has just ended
      }
    })
    .map(Number);
}

/** Resolves when none is left; rejects with those that are after so many seconds. */
export async function untilGone(token: string, seconds: number): Promise<void> {
  const over = Date.now() + seconds * 1_000;
  while (alive(token).length > 0) {
    if (Date.now() > over) throw new Error(`processes ${alive(token).join(', ')} still run after ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
