/** A connection to Rserve: a session of R of its own. Commands are sent one after the other. */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf, StepcastError } from '../../domain/errors';
import {
  bytesParameter,
  COMMANDS,
  decodeHeader,
  decodeValue,
  encodeCommand,
  GREETING_BYTES,
  HEADER_BYTES,
  reasonOf,
  stringParameter,
  type RValue,
} from './qap';

/** Where Rserve is, and who asks. */
export interface RserveAddress {
  readonly host: string;
  readonly port: number;
  readonly socket?: string;
  readonly tls: boolean;
  readonly login?: { readonly user: string; readonly password: string };
  readonly connectTimeoutSeconds: number;
}

export interface RserveConnection {
  /** The value of R code; UNAVAILABLE when R tells an error, or the connection breaks. */
  evaluate(code: string): Promise<RValue>;
  /** Starts R code whose end ends the session; resolves when the session has ended, however that was. */
  release(code: string): Promise<void>;
  /** Writes a file on Rserve's machine from pieces. */
  upload(path: string, content: AsyncIterable<Buffer>): Promise<void>;
  /** Ends the session, unless R computes: then it goes on to the end of that. Idempotent. */
  close(): void;
}

/** An answer holds at most so much; files come in pieces. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** An answer comes within this time, in milliseconds: else the other machine or the network is taken for gone. */
const ANSWER_MS = 60_000;
const KEEP_ALIVE_MS = 30_000;
const PIECE_BYTES = 1024 * 1024;

/** Opens a session. UNAVAILABLE when nobody answers, CONFIGURATION when Rserve wants another login. */
export async function connectRserve(address: RserveAddress): Promise<RserveConnection> {
  const where = address.socket ?? `${address.host}:${address.port}`;
  const unavailable = (why: string, cause?: unknown): StepcastError =>
    new StepcastError('UNAVAILABLE', `Rserve at ${where}: ${why}.`, { cause });
  const reader = createReader(open(address), unavailable);
  /** What does not answer in time is let go. */
  async function within<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
    const late = unavailable(`no answer within ${milliseconds / 1000} seconds`);
    const timer = setTimeout(() => reader.fail(late), milliseconds);
    return work().finally(() => clearTimeout(timer));
  }

  async function ask(command: number, ...parameters: readonly Buffer[]): Promise<Buffer> {
    reader.send(encodeCommand(command, ...parameters));
    for (;;) {
      const header = decodeHeader(await reader.take(HEADER_BYTES));
      if (header.bodyBytes > MAX_ANSWER_BYTES) throw unavailable(`an answer of ${header.bodyBytes} bytes is too large`);
      const body = await reader.take(header.bodyBytes);
      if (header.kind === 'ok') return body;
      if (header.kind === 'failed') throw unavailable(reasonOf(header.status));
    }
  }
  const askInTime = (...question: Parameters<typeof ask>): Promise<Buffer> => within(ANSWER_MS, () => ask(...question));

  async function logIn(greeting: string): Promise<void> {
    if (!greeting.startsWith('Rsrv') || greeting.slice(8, 12) !== 'QAP1')
      throw unavailable('what answers is no Rserve');
    const wants = /AR(pt|uc)/.test(greeting);
    if (!wants) return;
    const refused = (why: string): StepcastError => new StepcastError('CONFIGURATION', `Rserve at ${where} ${why}.`);
    if (!address.login) throw refused('wants a user and a password: give both to the Backend');
    if (!greeting.includes('ARpt'))
      throw refused(
        'takes passwords only by crypt, which is not secure any more. Set `plaintext enable` there, and tls',
      );
    await ask(COMMANDS.login, stringParameter(`${address.login.user}\n${address.login.password}`));
  }

  try {
    await within(address.connectTimeoutSeconds * 1000, async () =>
      logIn((await reader.take(GREETING_BYTES)).toString('latin1')),
    );
  } catch (error) {
    reader.close();
    throw error;
  }

  let last: Promise<unknown> = Promise.resolve();
  /** After all that was asked before. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };

  return {
    evaluate: (code) => inTurn(async () => decodeValue(await askInTime(COMMANDS.eval, stringParameter(code)))),
    release: (code) =>
      inTurn(async () => {
        await ask(COMMANDS.voidEval, stringParameter(code)).catch(() => {});
        reader.close();
      }),
    upload: (path, content) =>
      inTurn(async () => {
        await askInTime(COMMANDS.createFile, stringParameter(path));
        for await (const chunk of content)
          for (let at = 0; at < chunk.length; at += PIECE_BYTES)
            await askInTime(COMMANDS.writeFile, bytesParameter(chunk.subarray(at, at + PIECE_BYTES)));
        await askInTime(COMMANDS.closeFile);
      }),
    close: () => reader.close(),
  };
}

function open({ socket, host, port, tls }: RserveAddress): Socket {
  if (socket !== undefined) return connectPlain(socket);
  return tls ? connectTls({ host, port }) : connectPlain(port, host);
}

interface Reader {
  send(bytes: Buffer): void;
  /** So many bytes, as soon as they are there. One at a time. */
  take(bytes: number): Promise<Buffer>;
  fail(error: Error): void;
  close(): void;
}

function createReader(socket: Socket, unavailable: (why: string, cause?: unknown) => StepcastError): Reader {
  let chunks: Buffer[] = [];
  let held = 0;
  let waiting: { bytes: number; resolve: (bytes: Buffer) => void; reject: (error: Error) => void } | undefined;
  let failure: Error | undefined;

  const look = (): void => {
    if (!waiting) return;
    if (held >= waiting.bytes) {
      const all = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      const { bytes, resolve } = waiting;
      chunks = held > bytes ? [all.subarray(bytes)] : [];
      held -= bytes;
      waiting = undefined;
      resolve(all.subarray(0, bytes));
    } else if (failure) {
      const { reject } = waiting;
      waiting = undefined;
      reject(failure);
    }
  };
  const fail = (error: Error): void => {
    failure ??= error;
    socket.destroy();
    look();
  };
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    held += chunk.length;
    look();
  });
  socket.on('error', (error) =>
    fail(unavailable(messageOf(error) || (error as NodeJS.ErrnoException).code || 'no connection', error)),
  );
  socket.on('close', () => fail(unavailable('the connection was closed')));
  return {
    send: (bytes) => void (failure === undefined && socket.write(bytes)),
    take: (bytes) =>
      new Promise((resolve, reject) => {
        waiting = { bytes, resolve, reject };
        look();
      }),
    fail,
    close: () => fail(unavailable('the connection is closed')),
  };
}
