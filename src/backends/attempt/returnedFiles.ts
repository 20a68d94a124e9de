/** What a script returned for an output of files: their paths. */
import { isAbsolute, relative } from 'node:path';
import type { OutputPort } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { requiredType } from '../../domain/values';
import type { AttemptPlace } from '../backend';

/** Whether what is returned for the port is files, by their paths, and not the value itself. */
export function returnsFiles({ type }: Pick<OutputPort, 'type'>): boolean {
  const required = requiredType(type);
  const item = required.kind === 'array' ? requiredType(required.items) : required;
  return item.kind === 'File' || item.kind === 'Directory';
}

/** The paths relative to the working directory. BAD_INPUT for what is no path. */
export function returnedPaths(returned: unknown, directory: AttemptPlace): string[] {
  const all: readonly unknown[] = Array.isArray(returned) ? returned : [returned];
  return all.map((path) => {
    if (typeof path !== 'string' || path === '')
      throw new StepcastError('BAD_INPUT', `expected the path of a file, found ${JSON.stringify(path)?.slice(0, 100)}`);
    return isAbsolute(path) ? relative(directory.out, path) : path;
  });
}
