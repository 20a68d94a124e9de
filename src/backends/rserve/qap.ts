/**
 * The messages of QAP1, the protocol of Rserve, as far as they are needed here: a header of 16 bytes, then parameters with a
 * header of 4 or 8. From the description at https://www.rforge.net/Rserve/dev.html and Rserve's own Rsrv.h.
 */
import { StepcastError } from '../../domain/errors';

export const COMMANDS = {
  login: 0x001,
  voidEval: 0x002,
  eval: 0x003,
  createFile: 0x011,
  closeFile: 0x012,
  writeFile: 0x014,
} as const;

export const HEADER_BYTES = 16;
export const GREETING_BYTES = 32;

const RESPONSE = 0x10000;
const OUT_OF_BAND = 0x20000;
const OK = 1;

/** Types of parameters. */
const STRING = 4;
const BYTES = 5;
/** Larger than fits into three bytes: four more follow. */
const LARGE = 0x40;
const MAX_SMALL = 0xfffff0;

/** Types of R's values, and the flag of those that have attributes before them. */
const NULL_VALUE = 0;
const STRINGS = 34;
const RAW = 37;
const HAS_ATTRIBUTES = 0x80;

/** Header and parameters of a command in one piece: Rserve reads the header at once. */
export function encodeCommand(command: number, ...parameters: readonly Buffer[]): Buffer {
  const length = parameters.reduce((sum, one) => sum + one.length, 0);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(command, 0);
  header.writeUInt32LE(length >>> 0, 4);
  return Buffer.concat([header, ...parameters]);
}

/** Ends with a NUL, and is filled up to a multiple of 4. */
export function stringParameter(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`, 'utf8');
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  bytes.copy(padded);
  return parameter(STRING, padded);
}

export const bytesParameter = (bytes: Buffer): Buffer => parameter(BYTES, bytes);

function parameter(type: number, body: Buffer): Buffer {
  const isLarge = body.length > MAX_SMALL;
  const header = Buffer.alloc(isLarge ? 8 : 4);
  header.writeUInt32LE(((isLarge ? type | LARGE : type) | ((body.length & 0xffffff) << 8)) >>> 0, 0);
  if (isLarge) header.writeUInt32LE(body.length >>> 24, 4);
  return Buffer.concat([header, body]);
}

/** What a header tells of its message. */
export interface Header {
  /** `aside`: sent by R at its own time, and no answer. */
  readonly kind: 'ok' | 'failed' | 'aside';
  /** Of a failure. */
  readonly status: number;
  readonly bodyBytes: number;
}

/** Throws UNAVAILABLE for what no Rserve sends. */
export function decodeHeader(bytes: Buffer): Header {
  const word = bytes.readUInt32LE(0);
  const bodyBytes = bytes.readUInt32LE(4) + bytes.readUInt32LE(12) * 2 ** 32;
  if ((word & OUT_OF_BAND) !== 0) return { kind: 'aside', status: 0, bodyBytes };
  if ((word & RESPONSE) === 0) throw new StepcastError('UNAVAILABLE', 'What answers there is no Rserve.');
  return { kind: (word & 0xf) === OK ? 'ok' : 'failed', status: (word >>> 24) & 0x7f, bodyBytes };
}

/** What R returned, as far as it is asked for anything else here: texts, bytes or nothing. */
export type RValue = readonly string[] | Buffer | null;

/** Reads the first parameter of an answer. */
export function decodeValue(body: Buffer): RValue {
  if (body.length === 0) return null;
  const { content } = item(body);
  return value(content);
}

function value(bytes: Buffer): RValue {
  const { type, content } = item(bytes);
  const plain = (type & HAS_ATTRIBUTES) !== 0 ? content.subarray(item(content).end) : content;
  switch (type & 0x3f) {
    case NULL_VALUE:
      return null;
    case STRINGS:
      return texts(plain);
    case RAW:
      return plain.subarray(4, 4 + plain.readUInt32LE(0));
    default:
      throw new StepcastError(
        'UNAVAILABLE',
        `Rserve answered with a value of type ${type & 0x3f}, which was not asked for.`,
      );
  }
}

/** One thing with its header, and where the next begins. */
function item(bytes: Buffer): { readonly type: number; readonly content: Buffer; readonly end: number } {
  const type = bytes.readUInt8(0);
  const isLarge = (type & LARGE) !== 0;
  const start = isLarge ? 8 : 4;
  const length = bytes.readUIntLE(1, 3) + (isLarge ? bytes.readUInt32LE(4) * 2 ** 24 : 0);
  return { type, content: bytes.subarray(start, start + length), end: start + length };
}

/** Each ends with a NUL; what fills up to a multiple of 4 are bytes of 1. */
function texts(bytes: Buffer): string[] {
  const found: string[] = [];
  let from = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, from)) {
    found.push(bytes.toString('utf8', from, end));
    from = end + 1;
  }
  return found;
}

const REASONS: Readonly<Record<number, string>> = {
  2: 'R found the code incomplete',
  3: 'R found a fault in the code',
  0x41: 'it refuses the user or password',
  0x42: 'the connection broke',
  0x45: 'R told an error',
  0x46: 'a file could not be read or written',
  0x48: 'it does not allow this',
  0x4a: 'it does not know the command',
  0x4c: 'the message is larger than it takes (maxinbuf)',
  0x4d: 'it has not enough memory',
  0x61: 'this is switched off in its settings (fileio)',
  0x7f: 'R told an error',
};

export const reasonOf = (status: number): string => REASONS[status] ?? `status ${status}`;
