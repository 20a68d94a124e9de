/**
 * Values whose Files the server holds already, such as the outputs of an earlier Submission. Only the server can make one:
 * nothing that comes as JSON has this mark, so that nobody reads a content by naming its hash.
 */
import type { Value } from '../domain/values';

const HELD = Symbol('held');

export function heldValue(value: Value): unknown {
  return { [HELD]: value };
}

/** The value inside, or undefined when it is an ordinary one. */
export function insideHeld(value: unknown): Value | undefined {
  return typeof value === 'object' && value !== null ? (value as { readonly [HELD]?: Value })[HELD] : undefined;
}
