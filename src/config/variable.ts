import type { z } from 'zod';
import { byteSize, showBytes } from './formats';

/** One environment variable: how it is read, and what the manual says about it. */
export interface Variable<T> {
  readonly name: string;
  readonly group: Group;
  readonly meaning: string;
  /** What holds when it is not set; absent when that means something of its own. */
  readonly fallback?: string;
  /** The default in words, where it is not the plain value. */
  readonly fallbackText?: string;
  readonly schema: z.ZodType<T, string>;
  /** Its value, or a part of it, must never be printed. */
  readonly confidential?: boolean;
  /** A command-line flag of `npm start`, `npm run api` and `npm run worker` that sets it. */
  readonly flag?: string;
}

export type Group = 'Service' | 'Workers' | 'Limits of one call' | 'Limits of the service' | 'Command line';

/** One entry of the table, with the type of its value. */
export function variable<T>(definition: Variable<T>): Variable<T> {
  return definition;
}

/** A size in bytes, with its default and its bounds. */
export function bytes(
  value: number,
  least: number,
  most: number,
): Pick<Variable<number>, 'fallback' | 'fallbackText' | 'schema'> {
  return { fallback: String(value), fallbackText: showBytes(value), schema: byteSize(least, most) };
}

/** For a variable that means something of its own when it is not set. */
export const optional = <T>(schema: z.ZodType<T, string>): z.ZodType<T | undefined, string> => schema;
