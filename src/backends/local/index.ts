/** The Backend LOCAL: commands of this machine, each in a directory, session and environment of its own. */
import { release } from 'node:os';
import type { BackendSpec } from '../../domain/definitions';
import { DEFAULT_PATH } from '../attempt/environment';
import type { Backend } from '../backend';
import { createConfinement } from '../confinement';
import { startProcess } from '../process/start';

/** Confined ones never run without what their Backend asks for. */
export function openLocal({ options }: BackendSpec<'LOCAL'>): Backend {
  const version = `${process.platform} ${release()}`;
  const isPlain = options.sandbox === undefined && options.limits === undefined;
  const confinement = isPlain ? null : createConfinement(options, DEFAULT_PATH);
  return {
    start: (attempt, hooks) => confinement?.start(attempt, hooks) ?? startProcess(attempt, hooks),
    async health() {
      const missing = (await confinement?.missing()) ?? null;
      if (missing !== null) return { state: 'MISSING', version, message: missing };
      return { state: 'READY', version, message: '' };
    },
    close: () => Promise.resolve(),
  };
}
