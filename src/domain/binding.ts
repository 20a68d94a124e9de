/**
 * Inputs that are known only when something fires: plain values with references in them. `{firing: time}` is the firing's
 * own time, `{body: /a/b}` a part of a webhook's body, `{output: x}` and `{input: x}` a value of the Submission that ended.
 */
import { localDate } from './zonedTime';
import type { Value, Values } from './values';

/** A value as it is written, or a map with references in it; `{value: …}` is taken as it is. */
export type Binding = unknown;

export const REFERENCE_KINDS = ['firing', 'body', 'output', 'input', 'submission'] as const;
export type ReferenceKind = (typeof REFERENCE_KINDS)[number];

export interface Reference {
  readonly kind: ReferenceKind;
  readonly name: string;
}

/** What a `{firing: …}` may ask for. */
export const FIRING_FACTS = ['time', 'date', 'previous'] as const;
/** What a `{submission: …}` may ask for. */
export const SUBMISSION_FACTS = ['id', 'state', 'label', 'job'] as const;

/** What references are replaced by. */
export interface BindingContext {
  /** Of a Schedule; `previous` is the time before it. Milliseconds. */
  readonly firing: { readonly time: number; readonly previous: number | null; readonly timeZone: string };
  /** The parsed body of a webhook. */
  readonly body?: unknown;
  readonly submission?: {
    readonly facts: Readonly<Record<(typeof SUBMISSION_FACTS)[number], string>>;
    readonly inputs: Values;
    readonly outputs: Values | null;
  };
}

const MAX_DEPTH = 32;

/** The reference that a value is; null when it is a plain value. */
export function referenceIn(value: unknown): Reference | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const [entry, ...others] = Object.entries(value);
  if (!entry || others.length > 0) return null;
  const [key, name] = entry as [string, unknown];
  const kind = REFERENCE_KINDS.find((one) => one === key);
  return kind !== undefined && typeof name === 'string' ? { kind, name } : null;
}

/** Every reference in the value with the path to it. */
export function referencesIn(
  value: unknown,
  path: readonly (string | number)[] = [],
): { readonly reference: Reference; readonly path: readonly (string | number)[] }[] {
  const reference = referenceIn(value);
  if (reference) return [{ reference, path }];
  if (typeof value !== 'object' || value === null || path.length > MAX_DEPTH || isLiteral(value)) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    referencesIn(part, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/** True when the value is the same at every firing. */
export const isConstant = (value: unknown): boolean => referencesIn(value).length === 0;

/**
 * The value with every reference replaced. What is not there becomes null. In a file form, a `text` that a reference
 * makes anything but a text becomes its JSON. `store` marks Files that the server holds already.
 */
export function bind(value: Binding, context: BindingContext, store: (value: Value) => unknown, depth = 0): unknown {
  const reference = referenceIn(value);
  if (reference) return resolve(reference, context, store);
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (isLiteral(value)) return value.value;
  if (Array.isArray(value)) return value.map((item: unknown) => bind(item, context, store, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, part]): [string, unknown] => {
      const reference = key === 'text' ? referenceIn(part) : null;
      if (!reference) return [key, bind(part, context, store, depth + 1)];
      const text = resolve(reference, context, (plain) => plain);
      return [key, typeof text === 'string' || text === null ? text : JSON.stringify(text)];
    }),
  );
}

/** The part of a JSON document at a pointer (RFC 6901); undefined when there is none. `''` is all of it. */
export function atPointer(document: unknown, pointer: string): unknown {
  if (pointer === '') return document;
  let part: unknown = document;
  for (const step of pointer.slice(1).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key)) return undefined;
    if (Array.isArray(part) && !/^\d+$/.test(key)) return undefined;
    part = (part as Readonly<Record<string, unknown>>)[key];
  }
  return part;
}

/** True for the form of a JSON pointer. */
export const isPointer = (text: string): boolean => /^(\/([^~]|~[01])*)?$/.test(text);

function isLiteral(value: object): value is { readonly value: unknown } {
  return 'value' in value && Object.keys(value).length === 1;
}

function resolve({ kind, name }: Reference, context: BindingContext, store: (value: Value) => unknown): unknown {
  const { firing, body, submission } = context;
  switch (kind) {
    case 'firing':
      if (name === 'date') return localDate(firing.timeZone, firing.time);
      if (name === 'previous') return firing.previous === null ? null : isoTime(firing.previous);
      return isoTime(firing.time);
    case 'body':
      return atPointer(body, name) ?? null;
    case 'output':
      return held(submission?.outputs?.[name], store);
    case 'input':
      return held(submission?.inputs[name], store);
    case 'submission':
      return submission?.facts[name as (typeof SUBMISSION_FACTS)[number]] ?? null;
  }
}

function held(value: Value | undefined, store: (value: Value) => unknown): unknown {
  return value === undefined || value === null ? null : store(value);
}

/** ISO 8601 in UTC, to the second. */
export function isoTime(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
