/**
 * The value system: the CWL v1.2 model under plainer names. Types describe ports; values flow through links.
 * A value is plain JSON; files are tagged objects, so that a value survives a database and a wire unchanged.
 */

/** The name of a type that has no parts. `long` and `double` are `int` and `float` without the 32-bit bound. */
export type ScalarTypeName =
  'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string' | 'File' | 'Directory' | 'Any';

export interface RecordField {
  readonly name: string;
  readonly type: ValueType;
  readonly description?: string;
}

/** The type of a port. Optional is a union with `null`. */
export type ValueType =
  | { readonly kind: ScalarTypeName }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: ValueType }
  | { readonly kind: 'record'; readonly fields: readonly RecordField[] }
  | { readonly kind: 'union'; readonly types: readonly ValueType[] };

/** A file by content: `sha256` (hex) names the Artifact, `name` is the base name it is staged under. */
export interface FileValue {
  readonly class: 'File';
  readonly name: string;
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  readonly mediaType: string;
  /** What its port declares it to be: a name such as `csv`, or an IRI. */
  readonly format?: string;
  /** Files that go wherever this one goes, such as its index: they are staged beside it. */
  readonly secondaryFiles?: readonly (FileValue | DirectoryValue)[];
}

/** A folder by content: every entry has a name that is unique within it. */
export interface DirectoryValue {
  readonly class: 'Directory';
  readonly name: string;
  readonly entries: readonly (FileValue | DirectoryValue)[];
}

export type Value =
  | null
  | boolean
  | number
  | string
  | FileValue
  | DirectoryValue
  | readonly Value[]
  | { readonly [field: string]: Value };

/** Values by port name. */
export type Values = Readonly<Record<string, Value>>;

export const scalar = (kind: ScalarTypeName): ValueType => ({ kind });

/** True when `null` is among the values of the type. */
export function isOptional(type: ValueType): boolean {
  if (type.kind === 'null' || type.kind === 'Any') return true;
  return type.kind === 'union' && type.types.some(isOptional);
}

/** The type without `null`: `File?` gives `File`. */
export function requiredType(type: ValueType): ValueType {
  if (type.kind !== 'union') return type;
  const rest = type.types.filter((member) => member.kind !== 'null');
  return rest.length === 1 && rest[0] ? rest[0] : { kind: 'union', types: rest };
}

export function optionalType(type: ValueType): ValueType {
  return isOptional(type) ? type : { kind: 'union', types: [{ kind: 'null' }, type] };
}

export function isFileValue(value: unknown): value is FileValue {
  return typeof value === 'object' && value !== null && (value as { class?: unknown }).class === 'File';
}

export function isDirectoryValue(value: unknown): value is DirectoryValue {
  return typeof value === 'object' && value !== null && (value as { class?: unknown }).class === 'Directory';
}

/** Every file inside a value, depth first, in order; each before the secondary files it has. */
export function filesIn(value: Value | undefined): FileValue[] {
  return mainFilesIn(value).flatMap((file) => [file, ...(file.secondaryFiles ?? []).flatMap((one) => filesIn(one))]);
}

/** Every file inside a value, without secondary files. */
export function mainFilesIn(value: Value | undefined): FileValue[] {
  if (value === null || value === undefined || typeof value !== 'object') return [];
  if (isFileValue(value)) return [value];
  if (isDirectoryValue(value)) return value.entries.flatMap((entry) => mainFilesIn(entry));
  return Object.values(value).flatMap((part: Value) => mainFilesIn(part));
}

/** The value with every main file inside it changed. */
export function mapFiles(value: Value, change: (file: FileValue) => FileValue): Value {
  if (value === null || typeof value !== 'object') return value;
  if (isFileValue(value)) return change(value);
  if (isList(value)) return value.map((item) => mapFiles(item, change));
  if (isDirectoryValue(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]: [string, Value]) => [name, mapFiles(part, change)]),
  );
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** True when values of the type are Files, or may hold Files in a list or as one of several kinds. */
export function holdsFiles(type: ValueType): boolean {
  if (type.kind === 'array') return holdsFiles(type.items);
  if (type.kind === 'union') return type.types.some(holdsFiles);
  return type.kind === 'File' || type.kind === 'Any';
}

/** The type as a person writes it: `File`, `int?`, `string[]`, `(int | string)`. */
export function formatType(type: ValueType): string {
  switch (type.kind) {
    case 'enum':
      return `enum(${type.symbols.join(', ')})`;
    case 'array':
      return `${formatType(type.items)}[]`;
    case 'record':
      return `record(${type.fields.map((field) => `${field.name}: ${formatType(field.type)}`).join(', ')})`;
    case 'union': {
      const inner = requiredType(type);
      if (isOptional(type) && inner.kind !== 'union') return `${formatType(inner)}?`;
      return `(${type.types.map(formatType).join(' | ')})`;
    }
    default:
      return type.kind;
  }
}
