/** Written amounts: `10m`, `10MB`. Numbers alone are seconds and bytes. */
import bytes from 'bytes';
import ms from 'ms';
import { z } from 'zod';

/** The longest time a definition may name: 30 days. */
export const MAX_DURATION_SECONDS = 30 * 24 * 3600;

const SIZE_PATTERN = /^\d+(\.\d+)?\s*(b|kb|mb|gb|tb)$/i;
const DURATION_PATTERN = /^\d+(\.\d+)?\s*(ms|s|m|h|d|sec|secs|min|mins|minutes?|seconds?|hours?|days?)$/i;

/** Seconds, from a number of seconds or a text with a unit. */
export const durationForm = z.union([z.number(), z.string()]).transform((value, context): number => {
  const seconds = typeof value === 'number' ? value : secondsOf(value);
  if (seconds !== undefined && seconds >= 0 && seconds <= MAX_DURATION_SECONDS) return seconds;
  context.addIssue({
    code: 'custom',
    message: `is not a duration: ${JSON.stringify(value)}`,
    params: { hint: 'Write seconds as a number, or a text such as 90s, 10m, 2h; at most 30d.' },
  });
  return z.NEVER;
});

/** A duration of more than nothing: what may take no time never runs. */
export const someTimeForm = durationForm.superRefine((seconds, context) => {
  if (seconds > 0) return;
  context.addIssue({
    code: 'custom',
    message: 'the time is 0',
    params: { hint: 'Give seconds, or a text such as 10m.' },
  });
});

/** Bytes, from a number of bytes or a text with a unit; a kB has 1024 bytes. */
export const sizeForm = z.union([z.number(), z.string()]).transform((value, context): number => {
  const size = typeof value === 'number' ? value : SIZE_PATTERN.test(value) ? bytes.parse(value) : null;
  if (size !== null && Number.isSafeInteger(size) && size >= 0) return size;
  context.addIssue({
    code: 'custom',
    message: `is not a size: ${JSON.stringify(value)}`,
    params: { hint: 'Write bytes as a whole number, or a text such as 500kB, 10MB, 2GB.' },
  });
  return z.NEVER;
});

function secondsOf(text: string): number | undefined {
  if (!DURATION_PATTERN.test(text)) return undefined;
  return ms(text as ms.StringValue) / 1000;
}
