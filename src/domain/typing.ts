/** Which values belong to a type, and which types fit each other. Messages are for the person who gave the value. */
import type { Constraints } from './definitions';
import { unreachable } from './errors';
import { formatType, isDirectoryValue, isFileValue, isOptional } from './values';
import { isStorable } from './text';
import type { DirectoryValue, FileValue, Value, ValueType } from './values';

const MAX_INT = 2 ** 31 - 1;
const MIN_INT = -(2 ** 31);
const MAX_FLOAT = 3.4028234663852886e38;
/** A value with more faults than this tells the first ones. */
const MAX_REASONS = 20;
/** Values nest no deeper. */
const MAX_DEPTH = 64;

/** Whether every value of one type may go where the other is expected; otherwise why not. */
export function isAssignable(from: ValueType, to: ValueType): true | string {
  if (from.kind === 'Any' || to.kind === 'Any') return true;
  if (from.kind === 'union') return firstReason(from.types.map((member) => isAssignable(member, to)));
  if (to.kind === 'union') {
    if (to.types.some((member) => isAssignable(from, member) === true)) return true;
    return mismatch(from, to);
  }
  switch (to.kind) {
    case 'enum':
      return enumReason(from, to);
    case 'array':
      return from.kind === 'array' ? isAssignable(from.items, to.items) : mismatch(from, to);
    case 'record':
      return recordReason(from, to);
    default:
      return from.kind === to.kind || (WIDER[from.kind] ?? []).includes(to.kind) ? true : mismatch(from, to);
  }
}

/** What is wrong with a value; nothing when it belongs to the type and keeps the bounds. Bounds never apply to null. */
export function checkValue(type: ValueType, constraints: Constraints, value: unknown): string[] {
  const reasons = typeReasons(type, value, '', 0);
  if (reasons.length > 0) return reasons.slice(0, MAX_REASONS);
  return value === null || value === undefined ? [] : boundReasons(constraints, value as Value);
}

/** Two values with the same content. */
export function sameValue(left: Value, right: Value): boolean {
  return left === right || canonical(left) === canonical(right);
}

const WIDER: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['double'],
  float: ['double'],
  enum: ['string'],
};

type OfKind<Kind> = Extract<ValueType, { kind: Kind }>;

function firstReason(answers: readonly (true | string)[]): true | string {
  return answers.find((answer) => answer !== true) ?? true;
}

function mismatch(from: ValueType, to: ValueType): string {
  if (from.kind === 'null') return `may be null, and ${formatType(to)} never is`;
  return `${formatType(from)} does not fit ${formatType(to)}`;
}

function enumReason(from: ValueType, to: OfKind<'enum'>): true | string {
  if (from.kind !== 'enum') return mismatch(from, to);
  const strange = from.symbols.filter((symbol) => !to.symbols.includes(symbol));
  return strange.length === 0 ? true : `${formatType(to)} does not know ${strange.join(', ')}`;
}

function recordReason(from: ValueType, to: OfKind<'record'>): true | string {
  if (from.kind !== 'record') return mismatch(from, to);
  return firstReason(
    to.fields.map((field) => {
      const source = from.fields.find(({ name }) => name === field.name);
      if (!source) return isOptional(field.type) ? true : `the field '${field.name}' is missing`;
      const answer = isAssignable(source.type, field.type);
      return answer === true ? true : `in the field '${field.name}': ${answer}`;
    }),
  );
}

function typeReasons(type: ValueType, value: unknown, at: string, depth: number): string[] {
  const wrong = (): string[] => [`${at}expected ${formatType(type)}, got ${describe(value)}`];
  if (depth > MAX_DEPTH) return [`${at}nested deeper than ${MAX_DEPTH} levels`];
  switch (type.kind) {
    case 'null':
      return value === null || value === undefined ? [] : wrong();
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong();
    case 'int':
      return isBetween(value, MIN_INT, MAX_INT) && Number.isInteger(value) ? [] : wrong();
    case 'long':
      return Number.isSafeInteger(value) ? [] : wrong();
    case 'float':
      return isBetween(value, -MAX_FLOAT, MAX_FLOAT) ? [] : wrong();
    case 'double':
      return Number.isFinite(value) ? [] : wrong();
    case 'string':
      return typeof value === 'string' ? textReasons(value, at) : wrong();
    case 'enum':
      return typeof value === 'string' && type.symbols.includes(value) ? [] : wrong();
    case 'File':
      return isFileValue(value) ? fileReasons(value, at, depth) : wrong();
    case 'Directory':
      return isDirectoryValue(value) ? directoryReasons(value, at, depth) : wrong();
    case 'array':
      if (!Array.isArray(value)) return wrong();
      return collect(value.entries(), ([index, item]) =>
        typeReasons(type.items, item, `${at}item ${index + 1}: `, depth + 1),
      );
    case 'record':
      return isRecord(value) ? fieldReasons(type, value, at, depth) : wrong();
    case 'union':
      return type.types.some((member) => typeReasons(member, value, at, depth + 1).length === 0)
        ? []
        : unionReasons(type, value, at, depth);
    case 'Any':
      return anyReasons(value, at, depth);
    default:
      return unreachable(type);
  }
}

/** Of `File?`, what is wrong with the File says more than that it is no `File?`. */
function unionReasons(type: OfKind<'union'>, value: unknown, at: string, depth: number): string[] {
  const members = type.types.filter((member) => member.kind !== 'null');
  const [only] = members;
  const missing = value === null || value === undefined;
  if (only && members.length === 1 && !missing) return typeReasons(only, value, at, depth + 1);
  return [`${at}expected ${formatType(type)}, got ${describe(value)}`];
}

function fieldReasons(type: OfKind<'record'>, value: Record<string, unknown>, at: string, depth: number): string[] {
  const known = new Set(type.fields.map(({ name }) => name));
  const strange = Object.keys(value).filter((name) => !known.has(name));
  return [
    ...collect(type.fields, ({ name, type: of }) => typeReasons(of, value[name], `${at}field '${name}': `, depth + 1)),
    ...strange.slice(0, MAX_REASONS).map((name) => `${at}unknown field '${name}'`),
  ];
}

function anyReasons(value: unknown, at: string, depth: number): string[] {
  if (depth > MAX_DEPTH) return [`${at}nested deeper than ${MAX_DEPTH} levels`];
  if (value === null || typeof value === 'boolean' || Number.isFinite(value)) return [];
  if (typeof value === 'string') return textReasons(value, at);
  if (isFileValue(value)) return fileReasons(value, at, depth);
  if (isDirectoryValue(value)) return directoryReasons(value, at, depth);
  if (Array.isArray(value)) return collect(value, (item) => anyReasons(item, at, depth + 1));
  if (isRecord(value)) {
    return collect(Object.entries(value), ([name, part]) => [
      ...textReasons(name, at),
      ...anyReasons(part, at, depth + 1),
    ]);
  }
  return [`${at}expected a value, got ${describe(value)}`];
}

function textReasons(value: string, at: string): string[] {
  if (value.includes('\0')) return [`${at}the text holds a NUL character`];
  return isStorable(value) ? [] : [`${at}the text holds half a character (a lone surrogate)`];
}

function fileReasons(file: FileValue, at: string, depth: number): string[] {
  if (depth > MAX_DEPTH) return [`${at}nested deeper than ${MAX_DEPTH} levels`];
  const whole =
    isBaseName(file.name) &&
    typeof file.sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(file.sha256) &&
    Number.isSafeInteger(file.size) &&
    file.size >= 0 &&
    typeof file.mediaType === 'string' &&
    ['string', 'undefined'].includes(typeof file.format) &&
    (file.secondaryFiles === undefined || Array.isArray(file.secondaryFiles));
  if (!whole) return [`${at}the File is not complete or its name is not a plain file name`];
  const { secondaryFiles = [] } = file;
  const names = new Set([file.name, ...secondaryFiles.map(({ name }) => name)]);
  if (names.size <= secondaryFiles.length) return [`${at}two files beside '${file.name}' have one name`];
  return collect(secondaryFiles, (one) => entryReasons(one, `${at}beside '${file.name}': `, depth + 1));
}

function entryReasons(entry: FileValue | DirectoryValue, at: string, depth: number): string[] {
  return isFileValue(entry) ? fileReasons(entry, at, depth) : typeReasons({ kind: 'Directory' }, entry, at, depth);
}

function directoryReasons(directory: DirectoryValue, at: string, depth: number): string[] {
  if (depth > MAX_DEPTH) return [`${at}nested deeper than ${MAX_DEPTH} levels`];
  if (!isBaseName(directory.name) || !Array.isArray(directory.entries)) {
    return [`${at}the Directory is not complete or its name is not a plain file name`];
  }
  const names = new Set(directory.entries.map((entry: FileValue | DirectoryValue) => entry.name));
  if (names.size !== directory.entries.length) return [`${at}two entries of the Directory have one name`];
  return collect(directory.entries, (entry: FileValue | DirectoryValue) => entryReasons(entry, at, depth + 1));
}

function isBaseName(name: unknown): boolean {
  return typeof name === 'string' && name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

function boundReasons(constraints: Constraints, value: Value): string[] {
  const { allowed, min, max, minLength, maxLength } = constraints;
  const reasons: string[] = [];
  if (allowed && !allowed.some((one) => sameValue(one, value))) {
    reasons.push(`${describe(value)} is not allowed; choose from ${allowed.map(describe).join(', ')}`);
  }
  if (typeof value === 'number') {
    if (min !== undefined && value < min) reasons.push(`${value} is less than the minimum ${min}`);
    if (max !== undefined && value > max) reasons.push(`${value} is more than the maximum ${max}`);
  }
  const length = typeof value === 'string' ? [...value].length : Array.isArray(value) ? value.length : undefined;
  if (length !== undefined) {
    const what = typeof value === 'string' ? 'characters' : 'elements';
    if (minLength !== undefined && length < minLength)
      reasons.push(`${length} ${what}, and at least ${minLength} are needed`);
    if (maxLength !== undefined && length > maxLength)
      reasons.push(`${length} ${what}, and at most ${maxLength} are allowed`);
  }
  return reasons;
}

function isBetween(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && value >= low && value <= high;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Stops looking once there is enough to say. */
function collect<Item>(items: Iterable<Item>, reasonsOf: (item: Item) => string[]): string[] {
  const reasons: string[] = [];
  for (const item of items) {
    reasons.push(...reasonsOf(item));
    if (reasons.length >= MAX_REASONS) break;
  }
  return reasons;
}

/** The value as a person would name it, never longer than a line. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)}`;
  if (isFileValue(value)) return `the file '${String(value.name)}'`;
  if (isDirectoryValue(value)) return `the folder '${String(value.name)}'`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}

function canonical(value: Value): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1))) : part,
  );
}
