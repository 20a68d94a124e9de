/** From a response to the outputs of its Task. */
import { createWriteStream } from 'node:fs';
import { link, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { extension } from 'mime-types';
import type { OutputPort } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import type { RequestSpec, ResponsePart } from '../../domain/request';
import { requiredType, scalar, type Value } from '../../domain/values';
import { safeName } from '../attempt/attemptDirectory';
import { MAX_READ_BYTES } from '../attempt/collectOutputs';
import { parseOutput } from '../attempt/parseOutput';
import type { AttemptPlace } from '../backend';
import type { Answer } from './exchange';

/** JSON from which outputs are picked may hold so many bytes; larger answers are taken as Files. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024;
/** What is shown of an answer that was not expected. */
const MAX_EXCERPT_BYTES = 2000;

/** A body on disk. */
export interface SavedBody {
  readonly path: string;
  readonly size: number;
}

/** Streams the body to disk. Throws LIMIT_EXCEEDED for one that is too large, told as soon as that is known. */
export async function saveBody(answer: Answer, directory: AttemptPlace, maxBytes: number): Promise<SavedBody> {
  const path = join(directory.tmp, 'response');
  let size = 0;
  const tooLarge = (): StepcastError =>
    new StepcastError(
      'LIMIT_EXCEEDED',
      `The response has more than ${maxBytes} bytes, which is all that the Backend takes (max-response).`,
    );
  if (Number(answer.headers['content-length'] ?? 0) > maxBytes) {
    // Nobody listens to it any more, and an error that nobody hears would end the process.
    answer.body.on('error', () => {}).destroy();
    throw tooLarge();
  }
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > maxBytes) done(tooLarge());
      else done(null, chunk);
    },
  });
  const file = createWriteStream(path, { mode: 0o600 });
  const decoder = decoderOf(answer);
  await (decoder ? pipeline(answer.body, decoder, count, file) : pipeline(answer.body, count, file));
  return { path, size };
}

/** Nothing compressed is asked for; some services send it nevertheless. */
function decoderOf({ headers }: Answer): Transform | undefined {
  switch (String(headers['content-encoding'] ?? '').toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

/** The start of a body, as one line of printable text; what follows is let go. */
export async function excerptOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size >= MAX_EXCERPT_BYTES) break;
  }
  const text = Buffer.concat(chunks).subarray(0, MAX_EXCERPT_BYTES).toString('utf8');
  return text.replace(/[\p{Cc}\p{Cf}\uFFFD\s]+/gu, ' ').trim();
}

export const needsBody = ({ response }: RequestSpec): boolean =>
  Object.values(response).some(({ kind }) => kind === 'json' || kind === 'text' || kind === 'file');

/** What each output gets. Throws BAD_INPUT for a body that is not what it should be, LIMIT_EXCEEDED for too large values. */
export async function readOutputs(
  answer: Answer,
  saved: SavedBody | null,
  ports: readonly OutputPort[],
  parts: RequestSpec['response'],
  directory: AttemptPlace,
): Promise<Record<string, unknown>> {
  let json: Value | undefined;
  const returned: Record<string, unknown> = {};
  const named = new Set<string>();

  const parsed = async (): Promise<Value> => {
    if (json !== undefined) return json;
    if (!saved || saved.size === 0) return (json = null);
    return (json = parseOutput(await read(saved, MAX_JSON_BYTES), 'json', scalar('Any'), shownBody(answer)));
  };
  const take = async (port: OutputPort, part: ResponsePart): Promise<unknown> => {
    switch (part.kind) {
      case 'status':
        return answer.status;
      case 'header': {
        const value = answer.headers[part.name.toLowerCase()];
        if (value === undefined) return undefined;
        const text = Array.isArray(value) ? value.join(', ') : value;
        return parseOutput(Buffer.from(text), 'text', requiredType(port.type), `header ${part.name}`);
      }
      case 'json':
        return bounded(port, atPointer(await parsed(), part.pointer));
      case 'text':
        if (!saved) return undefined;
        return parseOutput(await read(saved, MAX_READ_BYTES), 'text', requiredType(port.type), shownBody(answer));
      case 'file': {
        if (!saved) return undefined;
        const name = safeName(part.name ?? fileName(port.name, answer));
        // Two outputs may be the one body under one name.
        if (!named.has(name)) await link(saved.path, join(directory.out, name));
        named.add(name);
        return name;
      }
    }
  };
  for (const port of ports) {
    const part = parts[port.name];
    if (part) returned[port.name] = await take(port, part);
  }
  return returned;
}

const shownBody = ({ headers }: Answer): string => `response (${mediaTypeOf(headers) ?? 'without a media type'})`;

function mediaTypeOf(headers: Answer['headers']): string | undefined {
  const [type] = String(headers['content-type'] ?? '').split(';');
  return type === undefined || type.trim() === '' ? undefined : type.trim().toLowerCase();
}

function fileName(port: string, { headers }: Answer): string {
  const type = mediaTypeOf(headers);
  const ending = type === undefined || type === 'application/octet-stream' ? false : extension(type);
  return ending ? `${port}.${ending}` : port;
}

async function read({ path, size }: SavedBody, maxBytes: number): Promise<Buffer> {
  if (size > maxBytes)
    throw new StepcastError(
      'LIMIT_EXCEEDED',
      `The response holds ${size} bytes, and at most ${maxBytes} are read into values. Declare the output as a File instead.`,
    );
  const file = await open(path);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function bounded(port: OutputPort, value: Value | undefined): Value | undefined {
  const size = value === undefined ? 0 : JSON.stringify(value).length;
  if (size <= MAX_READ_BYTES) return value;
  throw new StepcastError(
    'LIMIT_EXCEEDED',
    `Output \`${port.name}\` holds ${size} characters, and a value may hold ${MAX_READ_BYTES}. Take the response as a File instead.`,
  );
}

/** The value at a JSON pointer (RFC 6901); undefined when nothing is there. */
export function atPointer(whole: Value, pointer: string): Value | undefined {
  let value: unknown = whole;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value as Value | undefined;
}
