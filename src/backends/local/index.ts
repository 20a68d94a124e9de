/** The Backend LOCAL: commands of this machine, each in a directory, session and environment of its own. */
import { release } from 'node:os';
import type { Backend } from '../backend';
import { startProcess } from '../process/start';

export function openLocal(): Backend {
  return {
    start: (attempt, hooks) => startProcess(attempt, hooks),
    health: () => Promise.resolve({ state: 'READY', version: `${process.platform} ${release()}`, message: '' }),
    close: () => Promise.resolve(),
  };
}
