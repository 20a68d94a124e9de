import path from 'node:path';
import { z } from 'zod';

/** Schemas from the text of one variable to its value. Each message completes "it must be …". */

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** A whole number in a range. */
export function wholeNumber(least: number, most: number): z.ZodType<number, string> {
  const allowed = `a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, allowed)
    .transform(Number)
    .refine((value) => value >= least && value <= most, allowed);
}

/** True for `on`. */
export function onOrOff(): z.ZodType<boolean, string> {
  return z
    .string()
    .pipe(z.enum(['on', 'off'], 'on or off'))
    .transform((text) => text === 'on');
}

/** A size in bytes: `1048576`, `1MiB`, `5 GiB`. */
export function byteSize(least: number, most: number): z.ZodType<number, string> {
  const allowed = `a size from ${showBytes(least)} to ${showBytes(most)}, such as 1048576 or 1MiB`;
  return z.string().transform((text, context) => {
    const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
    const factor = UNITS[unit.toUpperCase()];
    const value = digits === undefined || factor === undefined ? NaN : Math.round(Number(digits) * factor);
    if (value >= least && value <= most) return value;
    context.addIssue({ code: 'custom', message: allowed });
    return z.NEVER;
  });
}

/** The shortest exact form of a size, such as `5 GiB`. */
export function showBytes(bytes: number): string {
  for (const [unit, factor] of [
    ['TiB', 2 ** 40],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor} ${unit}`;
  }
  return `${bytes} bytes`;
}

/** A URL of one of these schemes, with a host. */
export function url(schemes: readonly string[], example: string): z.ZodType<string, string> {
  const allowed = `a URL such as ${example}`;
  return z.string().refine((text) => {
    if (!URL.canParse(text)) return false;
    const parsed = new URL(text);
    return schemes.includes(parsed.protocol.replace(/:$/, '')) && parsed.hostname !== '';
  }, allowed);
}

/** An `http` or `https` address without a path's last slash. */
export function webAddress(): z.ZodType<string, string> {
  return url(['http', 'https'], 'https://stepcast.example.org').transform((text) => text.replace(/\/+$/, ''));
}

/** Comma-separated names. */
export function list(pattern: RegExp, each: string): z.ZodType<readonly string[], string> {
  return z
    .string()
    .transform((text) => splitList(text, ','))
    .refine((items) => items.every((item) => pattern.test(item)), `a comma-separated list of ${each}`);
}

export interface NamedSecret {
  readonly name: string;
  readonly secret: string;
}

const LEAST_SECRET_LENGTH = 16;

/** `name=secret` pairs with commas between them. */
export function namedSecrets(): z.ZodType<readonly NamedSecret[], string> {
  return z
    .string()
    .transform((text) =>
      splitList(text, ',').map((item): NamedSecret => {
        const [name = '', ...secret] = item.split('=');
        return { name: name.trim(), secret: secret.join('=').trim() };
      }),
    )
    .refine(
      (items) =>
        items.every(({ name, secret }) => /^[A-Za-z][\w-]{0,62}$/.test(name) && secret.length >= LEAST_SECRET_LENGTH),
      `a comma-separated list of name=secret, each secret of at least ${LEAST_SECRET_LENGTH} characters without a comma`,
    );
}

/** Folders, separated as in PATH, absolute afterwards. */
export function folders(): z.ZodType<readonly string[], string> {
  return z.string().transform((text) => splitList(text, path.delimiter).map((folder) => path.resolve(folder)));
}

/** Web origins, or `*` for every one. */
export function origins(): z.ZodType<readonly string[], string> {
  return z
    .string()
    .transform((text) => splitList(text, ','))
    .refine(
      (items) => items.every((item) => item === '*' || (URL.canParse(item) && new URL(item).origin === item)),
      'a comma-separated list of origins such as https://app.example.org, or *',
    );
}

function splitList(text: string, separator: string): readonly string[] {
  return text
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
