/** From a Task's request and its values to what is sent. Pure: nothing here looks at the disk or the network. */
import { StepcastError, unreachable } from './errors';
import { soleName, type RequestField, type RequestSpec, type RequestTemplate, type RequestText } from './request';
import { isFileValue, type FileValue, type Value, type Values } from './values';

/** What stands for the names in a request. */
export interface RequestContext {
  readonly values: Values;
  /** The StepRun's id. */
  readonly id: string;
}

/** A pair of name and value, in the order of sending. */
export type Pair = readonly [name: string, value: string];

/** A field of a web form: text, or a File. */
export type FormPart = readonly [name: string, value: string | FileOfPort];

/** A File input, and which of the port's files it is. */
export interface FileOfPort {
  readonly port: string;
  readonly index: number;
  readonly file: FileValue;
}

export type BuiltBody =
  | { readonly kind: 'text'; readonly text: string; readonly mediaType: string }
  | { readonly kind: 'file'; readonly file: FileOfPort }
  | { readonly kind: 'multipart'; readonly parts: readonly FormPart[] };

export interface BuiltRequest {
  readonly path: string;
  readonly query: readonly Pair[];
  readonly headers: readonly Pair[];
  readonly body?: BuiltBody;
}

/** Throws BAD_INPUT for values that do not fit where they stand. */
export function buildRequest(spec: RequestSpec, context: RequestContext): BuiltRequest {
  const body = buildBody(spec.body, context);
  return {
    path: buildPath(spec.path, context),
    query: pairsOf(spec.query, context),
    headers: pairsOf(spec.headers, context).map(([name, value]) => [name, headerValue(name, value)]),
    ...(body ? { body } : {}),
  };
}

/**
 * Each value becomes part of one segment of the path, whatever characters it holds. A segment that would then be empty
 * or lead upwards is refused: the call would go to another place than the Task says.
 */
function buildPath(path: RequestText, context: RequestContext): string {
  const built = path
    .map((part) => (part.kind === 'literal' ? part.text : encodeURIComponent(textOfPart(part, context))))
    .join('');
  const names = path.flatMap((part) => (part.kind === 'value' ? [`\`${part.name}\``] : []));
  if (names.length === 0) return built;
  // What is written out is the definer's own; only values can surprise.
  const segments = built.split('/').slice(1);
  const odd = segments.find((segment, index) => {
    const leadsUp = /^(\.|%2e){1,2}$/i.test(segment);
    return leadsUp || (segment === '' && index < segments.length - 1) || (segment === '' && endsWithValue(path));
  });
  if (odd === undefined) return built;
  throw new StepcastError(
    'BAD_INPUT',
    `The path ${built.slice(0, MAX_SHOWN)} has a segment "${odd}" after ${names.join(' and ')} was filled in. A value in a path must not be empty, "." or "..".`,
  );
}

const MAX_SHOWN = 200;

const endsWithValue = (path: RequestText): boolean => path.at(-1)?.kind === 'value';

function textOfPart(part: RequestText[number], { values, id }: RequestContext): string {
  switch (part.kind) {
    case 'literal':
      return part.text;
    case 'id':
      return id;
    case 'value':
      return plainText(values[part.name]);
    default:
      return unreachable(part);
  }
}

const textOf = (text: RequestText, context: RequestContext): string =>
  text.map((part) => textOfPart(part, context)).join('');

/** Lists are joined by commas, records are JSON, nothing is the empty text. */
function plainText(value: Value | undefined): string {
  if (value === null || value === undefined) return '';
  if (isList(value)) return value.map(plainText).join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The value of a template; undefined when it is one value alone, and that is missing. */
function valueOf(template: RequestTemplate, context: RequestContext): Value | undefined {
  switch (template.kind) {
    case 'constant':
      return template.value;
    case 'text': {
      const name = soleName(template.parts);
      return name === undefined ? textOf(template.parts, context) : (context.values[name] ?? undefined);
    }
    case 'list':
      return template.items.map((item) => valueOf(item, context) ?? null);
    case 'object':
      return Object.fromEntries(template.fields.map(({ name, value }) => [name, valueOf(value, context) ?? null]));
    default:
      return unreachable(template);
  }
}

function pairsOf(fields: readonly RequestField[], context: RequestContext): Pair[] {
  return fields.flatMap(({ name, value }): Pair[] => {
    const found = valueOf(value, context);
    if (found === undefined || found === null) return [];
    const items = isList(found) ? found.filter((item) => item !== null) : [found];
    return items.map((item): Pair => [name, plainText(item)]);
  });
}

/** A line end would begin another header; other bytes than Latin-1 cannot stand there. */
function headerValue(name: string, value: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return value;
  const what = /[\r\n]/.test(value) ? 'a line end' : 'a character that no header can hold';
  throw new StepcastError('BAD_INPUT', `The value of the header ${name} holds ${what}.`);
}

function buildBody(body: RequestSpec['body'], context: RequestContext): BuiltBody | undefined {
  if (!body) return undefined;
  switch (body.kind) {
    case 'json':
      return {
        kind: 'text',
        text: JSON.stringify(valueOf(body.value, context) ?? null),
        mediaType: 'application/json',
      };
    case 'text':
      return { kind: 'text', text: textOf(body.text, context), mediaType: 'text/plain; charset=utf-8' };
    case 'form': {
      const text = new URLSearchParams(
        pairsOf(body.fields, context).map(([name, value]): [string, string] => [name, value]),
      ).toString();
      return { kind: 'text', text, mediaType: 'application/x-www-form-urlencoded' };
    }
    case 'multipart':
      return { kind: 'multipart', parts: body.fields.flatMap((field) => formParts(field, context)) };
    case 'file': {
      const [file] = filesOf(body.port, context.values[body.port]);
      return file ? { kind: 'file', file } : undefined;
    }
    default:
      return unreachable(body);
  }
}

function formParts(field: RequestField, context: RequestContext): FormPart[] {
  const port = field.value.kind === 'text' ? soleName(field.value.parts) : undefined;
  const files = port === undefined ? [] : filesOf(port, context.values[port]);
  if (files.length > 0) return files.map((file): FormPart => [field.name, file]);
  return pairsOf([field], context);
}

/** In the order in which they are staged. */
function filesOf(port: string, value: Value | undefined): FileOfPort[] {
  const flat = (part: Value | undefined): FileValue[] =>
    isFileValue(part) ? [part] : isList(part) ? part.flatMap(flat) : [];
  return flat(value).map((file, index) => ({ port, index, file }));
}

const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);
