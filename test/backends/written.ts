/** Backends and Tasks for tests, in the form in which people write them. */
import type { BackendSpec, TaskSpec } from '../../src/domain/definitions';
import { parseDefinitions } from '../../src/formats/parse';
import { formatProblem } from '../../src/formats/problem';

/** The one Task of the text. */
export function taskOf(text: string): TaskSpec {
  const [found] = definitionsOf(`task: t\n${text}`).tasks;
  if (!found) throw new Error('no task');
  return found;
}

/** The one Backend of the text. */
export function backendOf(text: string): BackendSpec {
  const [found] = definitionsOf(`backend: b\n${text}`).backends;
  if (!found) throw new Error('no backend');
  return found;
}

/** What is wrong with the text, one line for each problem. */
export function problemsOf(text: string): string[] {
  const parsed = parseDefinitions({ name: 'test.yaml', text });
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

function definitionsOf(text: string) {
  const parsed = parseDefinitions({ name: 'test.yaml', text });
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  return parsed.set;
}
