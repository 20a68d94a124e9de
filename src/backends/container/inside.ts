/** What holds inside of an image, by whatever engine it runs. */
import type { BackendSpec, TaskSpec } from '../../domain/definitions';
import type { PreparedAttempt } from '../backend';
import { ATTEMPT_VARIABLE, WORKER_VARIABLE } from '../process/identity';

/** The image of a Task; undefined when neither it nor its Backend names one. */
export function imageOf(
  { image }: Pick<TaskSpec, 'image'>,
  { options }: BackendSpec<'CONTAINER' | 'KUBERNETES'>,
): string | undefined {
  return image ?? options.image;
}

/**
 * What is declared, and what holds inside as well: HOME and TMPDIR, which lie in a mounted folder. Not the PATH of
 * this machine, and not the marks by which a worker's guard ends processes, which these outlive.
 */
export function environmentInside(
  { env, task }: Pick<PreparedAttempt, 'env' | 'task'>,
  { environment }: Pick<BackendSpec, 'environment'>,
): readonly (readonly [name: string, value: string])[] {
  const hidden = new Set<string>([ATTEMPT_VARIABLE, WORKER_VARIABLE]);
  if (!('PATH' in environment) && !('PATH' in task.environment)) hidden.add('PATH');
  return Object.entries(env).filter(([name]) => !hidden.has(name));
}
