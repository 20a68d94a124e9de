/** From what is asked for to what a Backend starts: inputs staged, words and environment built. */
import { buildArgv, outputPath } from '../../domain/argv';
import type { Resources } from '../../domain/definitions';
import { resourceVariables } from '../../domain/resources';
import type { AttemptRequest, PreparedAttempt } from '../backend';
import type { AttemptDirectory } from './attemptDirectory';
import { commandEnvironment } from './environment';

export interface PrepareRequest {
  readonly request: AttemptRequest;
  readonly resources: Resources;
  readonly directory: AttemptDirectory;
  /** Throws to stop between two steps. */
  readonly checkpoint: () => void;
  /** The PATH of commands whose Task sets none. */
  readonly path: string;
  readonly attemptMarks: Readonly<Record<string, string>>;
}

export async function prepareAttempt(prepare: PrepareRequest): Promise<PreparedAttempt> {
  const { request, resources, directory, checkpoint, path, attemptMarks } = prepare;
  const { task, stepRunId, attempt, values, backend } = request;
  const inputPaths = task.inputs.length > 0 ? await directory.stage(task.inputs, values) : {};
  for (const port of task.outputs) if (port.from === 'glob') await directory.makeRoomFor(outputPath(port, stepRunId));
  checkpoint();
  const outputPaths = Object.fromEntries(task.outputs.map((port) => [port.name, outputPath(port, stepRunId)]));
  const words = buildArgv(task, { inputPaths, outputPaths, values, id: stepRunId, tmp: directory.tmp, resources });
  const env = commandEnvironment({
    path,
    // Not the root: a command that clears its home leaves what its worker has noted there.
    home: directory.tmp,
    tmp: directory.tmp,
    layers: [backend.environment, resourceVariables(resources), task.environment, words.environment],
    marks: attemptMarks,
  });
  const stdin = await chooseStdin(request, directory, inputPaths);
  const { argv } = words;
  return {
    ...{ stepRunId, attempt, task, values, resources, directory },
    ...{ argv, env, marks: attemptMarks, stdin, inputPaths, outputPaths },
  };
}

async function chooseStdin(
  { task, values }: AttemptRequest,
  directory: AttemptDirectory,
  inputPaths: Readonly<Record<string, string | string[]>>,
): Promise<'null' | { file: string }> {
  const port = 'stdin' in task.command ? task.command.stdin : undefined;
  if (port === undefined) return 'null';
  const staged = inputPaths[port];
  const path = typeof staged === 'string' ? staged : staged?.[0];
  if (path !== undefined) return { file: path };
  const value = values[port];
  if (value === null || value === undefined || staged !== undefined) return 'null';
  return { file: await directory.writeInput(port, typeof value === 'string' ? value : JSON.stringify(value)) };
}
