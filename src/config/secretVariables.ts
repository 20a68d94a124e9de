/** Variables of the process that definitions may name, and never hold. */
import type { Environment } from './settings';

/** The values of those that are set, by name. */
export function readSecrets(
  names: readonly string[],
  environment: Environment = process.env,
): ReadonlyMap<string, string> {
  return new Map(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}
