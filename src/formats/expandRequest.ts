/** From the written form of a Task's request to its full form. */
import type { Command, OutputPort } from '../domain/definitions';
import {
  namesInText,
  soleName,
  type RequestBody,
  type RequestField,
  type RequestSpec,
  type RequestTemplate,
  type RequestText,
  type ResponsePart,
  type StatusRange,
} from '../domain/request';
import { formatType, requiredType, type ValueType } from '../domain/values';
import { macroPart, unknownMacro, type Ports } from './command';
import type { TaskForm } from './forms/taskForm';
import type { RequestForm, WrittenField, WrittenPart } from './forms/requestForm';
import type { Path, Report } from './problem';
import { wordOf } from './words';

/** What a request may speak of, with the types of its inputs. */
export interface RequestPorts extends Ports {
  readonly inputs: readonly { readonly name: string; readonly type: ValueType }[];
  readonly outputs: readonly OutputPort[];
}

const SUCCESS: readonly StatusRange[] = [{ from: 200, to: 299 }];
/** Too busy, not yet there, or a gateway without its service: the same request may succeed later. */
const TEMPORARY: readonly StatusRange[] = [408, 425, 429, 502, 503, 504].map((status) => ({
  from: status,
  to: status,
}));
/** Keys that speak of a process. */
const PROCESS_KEYS = ['stdin', 'stdout', 'stderr', 'out'] as const;

export function requestCommand(form: TaskForm, written: RequestForm, ports: RequestPorts, report: Report): Command {
  for (const key of PROCESS_KEYS) {
    if (form[key] === undefined) continue;
    report.add([key], `'${key}' and 'request' are both given`, 'A request has no streams: name its outputs.');
  }
  for (const { name, from } of ports.outputs)
    if (from !== 'value')
      report.add(
        ['outputs', name],
        `'${name}' is to come from a file or stream, and a request has none`,
        `Give its type alone, ${name}: { type: File }, and say under request: response: where it is, if it is not the body or a member of it.`,
      );
  const reader = readerOf(ports, report);
  const fieldsOf = (fields: Readonly<Record<string, WrittenField>>, path: Path, files = false): RequestField[] =>
    Object.entries(fields).map(([name, value]) => ({ name, value: reader.template(value, [...path, name], files) }));
  const body = bodyOf(written, reader, fieldsOf, ports, report);
  const request: RequestSpec = {
    method: written.method ?? (body ? 'POST' : 'GET'),
    ...targetOf(written, reader, report),
    query: fieldsOf(written.query, ['request', 'query']),
    headers: fieldsOf(written.headers, ['request', 'headers']),
    ...(body ? { body } : {}),
    expect: written.expect ?? SUCCESS,
    temporary: written.temporary ?? TEMPORARY,
    response: responseOf(written, ports, report),
  };
  if (body && (request.method === 'GET' || request.method === 'HEAD'))
    report.add(['request', 'method'], `${request.method} has no body`, 'Write method: POST, or put values into query.');
  return { kind: 'request', request };
}

interface Reader {
  text(written: string, path: Path, files?: boolean): RequestText;
  template(written: unknown, path: Path, files?: boolean): RequestTemplate;
}

/** Reads macros; `files`: a text that is one input of Files alone is allowed. */
function readerOf(ports: RequestPorts, report: Report): Reader {
  const text = (written: string, path: Path, files = false): RequestText => {
    const parts = wordOf(written).map((part): RequestText[number] => {
      if ('text' in part) return { kind: 'literal', text: part.text };
      const found = macroPart(part.macro, { ...ports, outputs: [], resources: [] });
      switch (found?.kind) {
        case 'id':
          return { kind: 'id' };
        case 'input':
          return { kind: 'value', name: found.port };
        case 'parameter':
        case 'value':
          return { kind: 'value', name: found.name };
        default: {
          const problem = unknownMacro(part.macro, { ...ports, outputs: [] });
          report.add(path, problem.message, problem.hint);
          return { kind: 'literal', text: '' };
        }
      }
    });
    for (const name of namesInText(parts)) {
      const type = ports.inputs.find((port) => port.name === name)?.type;
      if (!type || !isOfFiles(type) || (files && soleName(parts) === name)) continue;
      report.add(
        path,
        `'${name}' is ${formatType(type)}, and its content does not fit here`,
        `Send it as the body, body: { file: ${name} }, or as a field of body: { multipart: … } that holds nothing else.`,
      );
    }
    return parts;
  };
  const template = (written: unknown, path: Path, files = false): RequestTemplate => {
    if (typeof written === 'string') return { kind: 'text', parts: text(written, path, files) };
    if (Array.isArray(written))
      return { kind: 'list', items: written.map((item: unknown, index) => template(item, [...path, index])) };
    if (typeof written === 'object' && written !== null)
      return {
        kind: 'object',
        fields: Object.entries(written).map(([name, value]) => ({ name, value: template(value, [...path, name]) })),
      };
    return { kind: 'constant', value: written as null | boolean | number };
  };
  return { text, template };
}

function isOfFiles(type: ValueType): boolean {
  const required = requiredType(type);
  if (required.kind === 'array') return isOfFiles(required.items);
  return required.kind === 'File' || required.kind === 'Directory';
}

/** Values stand in the path alone: where a call goes is for the definition to say. */
function targetOf({ url, path }: RequestForm, reader: Reader, report: Report): Pick<RequestSpec, 'origin' | 'path'> {
  const nowhere = { path: [] };
  const [key, other] = url === undefined ? ['path', 'url'] : ['url', 'path'];
  const where: Path = ['request', key ?? ''];
  const written = url ?? path;
  if (written === undefined || (url !== undefined && path !== undefined)) {
    report.add(
      written === undefined ? ['request'] : ['request', other ?? ''],
      written === undefined ? "'path' is missing" : "'path' and 'url' are both given",
      'Give path: /… below the base-url of the backend, or a whole url: https://…',
    );
    return nowhere;
  }
  const [, origin, rest] = /^(https?:\/\/[^/?#\s@${}\\]+)?((?:\/.*)?)$/is.exec(written) ?? [];
  const whole = origin !== undefined && URL.canParse(origin);
  if (rest === undefined || whole !== (url !== undefined)) {
    const hint = url === undefined ? 'A path begins with a slash: /models' : 'Such as https://example.org/models';
    report.add(where, `'${key}' is not a ${key === 'url' ? 'whole URL with a constant host' : 'path'}`, hint);
    return nowhere;
  }
  if (/[?#]/.test(rest)) {
    report.add(where, 'it has a query or fragment', 'Put what follows the ? into query: { name: value }.');
    return nowhere;
  }
  const parts = reader.text(rest === '' && whole ? '/' : rest, where);
  return {
    ...(whole ? { origin: new URL(origin).origin } : {}),
    // Escapes that are written out stay; all else that a path cannot hold is escaped.
    path: parts.map((part) =>
      part.kind === 'literal' ? { ...part, text: encodeURI(part.text).replaceAll('%25', '%') } : part,
    ),
  };
}

function bodyOf(
  { body }: RequestForm,
  reader: Reader,
  fieldsOf: (fields: Readonly<Record<string, WrittenField>>, path: Path, files?: boolean) => RequestField[],
  ports: RequestPorts,
  report: Report,
): RequestBody | undefined {
  if (!body) return undefined;
  const path: Path = ['request', 'body'];
  const given = Object.keys(body).filter((key) => body[key as keyof typeof body] !== undefined);
  if (given.length !== 1) {
    report.add(path, 'a body is one thing', 'Give one of json, text, form, multipart, file.');
    return undefined;
  }
  if (body.text !== undefined) return { kind: 'text', text: reader.text(body.text, [...path, 'text']) };
  if (body.form) return { kind: 'form', fields: fieldsOf(body.form, [...path, 'form']) };
  if (body.multipart) return { kind: 'multipart', fields: fieldsOf(body.multipart, [...path, 'multipart'], true) };
  if (body.file === undefined) return { kind: 'json', value: reader.template(body.json, [...path, 'json']) };
  const name = soleName(reader.text(/[$]/.test(body.file) ? body.file : `\${${body.file}}`, [...path, 'file'], true));
  const type = ports.inputs.find((port) => port.name === name)?.type;
  if (name !== undefined && type && requiredType(type).kind === 'File') return { kind: 'file', port: name };
  if (name !== undefined)
    report.add([...path, 'file'], `'${name}' is no input of type File`, 'Name an input: file: image');
  return undefined;
}

/** Without a word about it, a File is the body, and another output the member of the JSON body that has its name. */
function responseOf(
  { response }: RequestForm,
  { outputs }: RequestPorts,
  report: Report,
): Readonly<Record<string, ResponsePart>> {
  for (const name of Object.keys(response)) {
    if (outputs.some((port) => port.name === name)) continue;
    report.add(['request', 'response', name], `'${name}' is no output`, `Declare it: outputs: { ${name}: … }.`);
  }
  return Object.fromEntries(
    outputs.map(({ name, type }): [string, ResponsePart] => {
      const written = response[name];
      if (written !== undefined) return [name, partOf(written, ['request', 'response', name], report)];
      const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1');
      return [name, requiredType(type).kind === 'File' ? { kind: 'file' } : { kind: 'json', pointer: `/${escaped}` }];
    }),
  );
}

function partOf(written: WrittenPart, path: Path, report: Report): ResponsePart {
  if (typeof written !== 'string') {
    if (written.header !== undefined && written.file === undefined) return { kind: 'header', name: written.header };
    if (written.file !== undefined && written.header === undefined) return { kind: 'file', name: written.file };
    report.add(path, 'it says neither or both of header and file', 'Such as { header: X-Request-Id }.');
    return { kind: 'status' };
  }
  switch (written) {
    case 'json':
      return { kind: 'json', pointer: '' };
    case 'text':
    case 'status':
    case 'file':
      return { kind: written };
    default:
      return { kind: 'json', pointer: written };
  }
}
