/** Whether a Backend can run what a Task says. */
import { BACKEND_KINDS, COMMAND_WORDS } from '../domain/backendOptions';
import { queryFaults } from '../domain/checkQuery';
import type { BackendSpec, Command, TaskSpec } from '../domain/definitions';
import type { DefinitionProblem } from './define';

/** A Task whose command its Backend cannot run, or only in an image that nobody names, or with names that nothing has. */
export function unsuitable(
  backend: BackendSpec,
  task: TaskSpec,
  place: Pick<DefinitionProblem, 'source' | 'kind' | 'name'>,
): DefinitionProblem[] {
  const { command, image } = task;
  if (command.kind === 'expression') return [];
  const { commands } = BACKEND_KINDS[backend.kind];
  if (commands.includes(command.kind))
    return [
      ...leadsNowhere(backend, command, place),
      ...imageProblems(backend, image, place),
      ...queryFaults(task, backend.kind).map((fault) => ({ ...place, path: ['query'], ...fault })),
    ];
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

/** A Task without an image where one is needed, or with one where there is none. */
function imageProblems(
  { name, kind, options }: BackendSpec,
  image: string | undefined,
  place: Pick<DefinitionProblem, 'source' | 'kind' | 'name'>,
): DefinitionProblem[] {
  const runsInImage = BACKEND_KINDS[kind].image === true;
  if (runsInImage && image === undefined && !('image' in options && options.image !== undefined)) {
    const message = `neither the task nor its backend "${name}" names an image`;
    return [{ ...place, path: ['image'], message, hint: 'Add one, such as image: debian:12, to one of the two.' }];
  }
  if (runsInImage || image === undefined) return [];
  const message = `backend "${name}" is of kind ${kind} and runs nothing in images`;
  return [{ ...place, path: ['image'], message, hint: 'Remove it, or name a backend that does.' }];
}
