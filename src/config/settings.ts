import { parseArgs } from 'node:util';
import type { Variable } from './variable';
import { VARIABLES } from './variables';

/** All settings, read once at the start and never changed. Sizes are bytes; folders are absolute paths. */
export type Settings = {
  readonly [Key in keyof typeof VARIABLES]: (typeof VARIABLES)[Key] extends Variable<infer Value> ? Value : never;
};

/** Settings of a process that needs both services. */
export type ConnectedSettings = Settings & { readonly databaseUrl: string; readonly redisUrl: string };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Wrong settings, one sentence each, without passwords. */
export class SettingsError extends Error {
  constructor(readonly sentences: readonly string[]) {
    super(sentences.join('\n'));
    this.name = 'SettingsError';
  }
}

/** Reads all settings. Throws SettingsError that names every wrong variable at once, or two that contradict each other. */
export function readSettings(environment: Environment = process.env): Settings {
  const wrong: string[] = [];
  const entries = Object.entries<Variable<unknown>>(VARIABLES).map(([key, variable]) => {
    const given = environment[variable.name]?.trim();
    const text = given === undefined || given === '' ? variable.fallback : given;
    if (text === undefined) return [key, undefined] as const;
    const parsed = variable.schema.safeParse(text);
    if (parsed.success) return [key, parsed.data] as const;
    wrong.push(sentence(variable, text, parsed.error.issues[0]?.message ?? 'something else'));
    return [key, undefined] as const;
  });
  if (wrong.length > 0) throw new SettingsError(wrong);
  // The table and the type have the same keys, which Object.entries cannot say.
  const settings = Object.freeze(Object.fromEntries(entries)) as Settings;
  const { workersMin: min, workersMax: max } = settings;
  if (max !== undefined && max < min)
    throw new SettingsError([
      `${VARIABLES.workersMax.name} is ${max}: it must not be less than ${VARIABLES.workersMin.name}, which is ${min}.`,
    ]);
  return settings;
}

/** The settings of a process that cannot start a service of its own. Throws SettingsError. */
export function requireServices(settings: Settings): ConnectedSettings {
  const { databaseUrl, redisUrl } = settings;
  if (databaseUrl !== undefined && redisUrl !== undefined) return Object.freeze({ ...settings, databaseUrl, redisUrl });
  const missing = [
    ...(databaseUrl === undefined ? [VARIABLES.databaseUrl.name] : []),
    ...(redisUrl === undefined ? [VARIABLES.redisUrl.name] : []),
  ];
  throw new SettingsError([
    `${missing.join(' and ')} must be set here: only \`npm start\` starts services of its own.`,
  ]);
}

/** The environment with command-line flags, such as `--port 4001`, laid over it. Throws SettingsError. */
export function withFlags(argv: readonly string[], environment: Environment = process.env): Environment {
  const flagged = Object.values<Variable<unknown>>(VARIABLES).flatMap((variable) =>
    variable.flag === undefined ? [] : [{ flag: variable.flag, name: variable.name }],
  );
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: Object.fromEntries(flagged.map(({ flag }) => [flag, { type: 'string' as const }])),
    });
    const given = flagged.flatMap(({ flag, name }) => {
      const value = values[flag];
      return typeof value === 'string' ? [[name, value] as const] : [];
    });
    return { ...environment, ...Object.fromEntries(given) };
  } catch (error) {
    const flags = flagged.map(({ flag }) => `--${flag}`).join(', ');
    throw new SettingsError([`${error instanceof Error ? error.message : String(error)}. The flags are ${flags}.`]);
  }
}

/** A sentence for each variable that starts like one of ours and is none: most likely misspelt. */
export function unknownVariables(environment: Environment = process.env): readonly string[] {
  const known = new Set<string>(Object.values<Variable<unknown>>(VARIABLES).map(({ name }) => name));
  return Object.keys(environment)
    .filter((name) => name.startsWith('STEPCAST_') && !name.startsWith('STEPCAST_TEST_') && !known.has(name))
    .map((name) => `${name} is not a setting and has no effect: see docs/settings.md for the names.`);
}

/** A URL as it may be printed: without its password. */
export function withoutPassword(text: string): string {
  if (URL.canParse(text)) {
    const parsed = new URL(text);
    if (parsed.password !== '') parsed.password = '***';
    for (const key of parsed.searchParams.keys()) {
      if (/pass|secret|token|key/i.test(key)) parsed.searchParams.set(key, '***');
    }
    return parsed.href;
  }
  // Where the password ends in a broken URL is a guess, so everything before the last @ goes.
  return text.replace(/^([a-z]+:\/\/)?.*@/i, '$1***@').replaceAll(/(pass\w*\s*=\s*)\S+/gi, '$1***');
}

const MAX_SHOWN_CHARACTERS = 200;

function sentence(variable: Variable<unknown>, text: string, allowed: string): string {
  const mustBe = `it must be ${allowed}.`;
  if (variable === VARIABLES.secret || variable === VARIABLES.hookSecrets)
    return `${variable.name} is not usable: ${mustBe}`;
  const shown = variable.confidential ? withoutPassword(text) : text;
  return `${variable.name} is "${shown.slice(0, MAX_SHOWN_CHARACTERS)}": ${mustBe}`;
}
