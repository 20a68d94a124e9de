/** Reads settings that definitions name and the worker's environment holds. */
import type { SettingText } from '../domain/backends/secret';
import { StepcastError } from '../domain/errors';

/** The variables of this worker. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The text of a setting. Throws CONFIGURATION when its variable is not set. */
export function readSetting(setting: SettingText, variables: Variables = process.env): string {
  if (typeof setting === 'string') return setting;
  const value = variables[setting.env];
  if (value !== undefined && value !== '') return `${setting.prefix}${value}`;
  throw new StepcastError(
    'CONFIGURATION',
    `This worker has no environment variable ${setting.env}. Set it where the worker is started, and start it again.`,
  );
}

/** Shorter secrets are not looked for in texts: too much else would look like them. */
const MIN_HIDDEN = 4;

/** A function that takes secrets out of a text that somebody else wrote. */
export function hider(secrets: readonly string[]): (text: string) => string {
  const hidden = secrets.filter((secret) => secret.length >= MIN_HIDDEN);
  return (text) => hidden.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}
