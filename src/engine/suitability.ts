/** Whether a Backend can run what a Task says. */
import { BACKEND_KINDS, COMMAND_WORDS } from '../domain/backendOptions';
import type { BackendSpec, Command } from '../domain/definitions';
import type { DefinitionProblem } from './define';

/** A Task whose command its Backend cannot run. */
export function unsuitable(
  backend: BackendSpec,
  command: Exclude<Command, { kind: 'expression' }>,
  place: Pick<DefinitionProblem, 'source' | 'kind' | 'name'>,
): DefinitionProblem[] {
  const { commands } = BACKEND_KINDS[backend.kind];
  if (commands.includes(command.kind)) return leadsNowhere(backend, command, place);
  return [
    {
      ...place,
      path: ['backend'],
      message: `backend "${backend.name}" is of kind ${backend.kind} and runs no ${COMMAND_WORDS[command.kind]}`,
      hint: `It runs ${commands.map((one) => COMMAND_WORDS[one]).join(' or ')}. Name another backend, or write the task so.`,
    },
  ];
}

/** A request that names a path alone, on a Backend that does not say below what. */
function leadsNowhere(
  backend: BackendSpec,
  command: Command,
  place: Pick<DefinitionProblem, 'source' | 'kind' | 'name'>,
): DefinitionProblem[] {
  if (command.kind !== 'request' || backend.kind !== 'HTTP') return [];
  if (command.request.origin !== undefined || backend.options.baseUrl !== undefined) return [];
  const message = `the request has a path alone, and backend "${backend.name}" has no base-url`;
  return [{ ...place, path: ['request'], message, hint: 'Give a whole url, or add base-url to the backend.' }];
}
