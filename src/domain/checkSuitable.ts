/** Whether a Backend can run a Task at all. Pure. */
import { BACKEND_KINDS, COMMAND_WORDS } from './backendOptions';
import type { BackendSpec, TaskSpec } from './definitions';

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
  readonly hint: string;
}

/** A command that the Backend cannot run, or only in an image that nobody names. */
export function checkSuitable(
  backend: BackendSpec,
  { command, image }: Pick<TaskSpec, 'command' | 'image'>,
): Problem[] {
  if (command.kind === 'expression') return [];
  const { name, kind, options } = backend;
  const { commands, image: inImage } = BACKEND_KINDS[kind];
  if (!commands.includes(command.kind)) {
    const words = commands.map((one) => COMMAND_WORDS[one]).join(' or ');
    const message = `backend "${name}" is of kind ${kind} and runs no ${COMMAND_WORDS[command.kind]}`;
    return [{ path: ['backend'], message, hint: `It runs ${words}. Name another backend, or write the task so.` }];
  }
  if (inImage && image === undefined && !('image' in options && options.image !== undefined)) {
    const message = `neither the task nor its backend "${name}" names an image`;
    return [{ path: ['image'], message, hint: 'Add one, such as image: debian:12, to one of the two.' }];
  }
  if (inImage || image === undefined) return [];
  const message = `backend "${name}" is of kind ${kind} and runs nothing in images`;
  return [{ path: ['image'], message, hint: 'Remove it, or name a backend that does.' }];
}
