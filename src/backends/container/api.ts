/**
 * The few calls of the Docker Engine API that run a container, over Node's own HTTP. The client libraries bring a build
 * of native code and several protocols that are not needed here.
 */
import {
  Agent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { messageOf, StepcastError } from '../../domain/errors';
import { readCertificates, type EngineAddress } from './address';

/** The engine answered, and refused: its status and its own words. */
export class EngineRefusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'EngineRefusal';
  }
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** For calls that last as long as something runs. */
  readonly signal?: AbortSignal;
  /** Until the answer begins, and for `call` until it ends; the usual by default, Infinity for calls that wait. */
  readonly timeoutMs?: number;
}

export interface EngineApi {
  readonly address: EngineAddress;
  /** The parsed answer, null when it is empty. Throws EngineRefusal, and UNAVAILABLE when the engine does not answer. */
  call(method: string, path: string, options?: CallOptions): Promise<unknown>;
  /** The answer as it comes; the same errors until it begins. */
  open(method: string, path: string, options?: CallOptions): Promise<IncomingMessage>;
  /** A connection that the engine hands over after its answer. */
  hijack(path: string, options?: CallOptions): Promise<Duplex>;
  close(): void;
}

/** Starting a container takes long on a busy machine. */
const TIMEOUT_MS = 120_000;
/** Larger answers are refused: no list of ours comes near it. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_MESSAGE_LENGTH = 1_000;
/** After so long without a byte the system asks whether the engine's machine is still there; without an answer the connection breaks. */
const KEEP_ALIVE_MS = 30_000;

export async function connectEngine(address: EngineAddress): Promise<EngineApi> {
  const tls = address.kind === 'tcp' && address.certificates !== null;
  const certificates = tls ? await readCertificates(address.certificates) : undefined;
  const agent = tls ? new TlsAgent(certificates) : new Agent();
  const target: RequestOptions =
    address.kind === 'socket' ? { socketPath: address.path } : { host: address.host, port: address.port };

  function send(method: string, path: string, options: CallOptions, extra: Record<string, string> = {}): ClientRequest {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options.query ?? {})) if (value !== undefined) query.set(name, value);
    const text = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
    const request = (tls ? httpsRequest : httpRequest)({
      ...target,
      agent,
      method,
      path: query.size > 0 ? `${path}?${query.toString()}` : path,
      headers: {
        Host: address.kind === 'socket' ? 'engine' : `${address.host}:${address.port}`,
        ...(text ? { 'Content-Type': 'application/json', 'Content-Length': String(text.length) } : {}),
        ...options.headers,
        ...extra,
      },
      ...(options.signal ? { signal: options.signal } : {}),
    });
    request.setSocketKeepAlive(true, KEEP_ALIVE_MS);
    request.end(text);
    return request;
  }

  function begin<T>(
    request: ClientRequest,
    { timeoutMs = TIMEOUT_MS }: CallOptions,
    event: string,
    take: (answer: IncomingMessage, socket: Duplex, head: Buffer) => T,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const over = limitTime(request, timeoutMs);
      request.on('error', (error) => {
        over();
        reject(unreachable(address, error));
      });
      request.once(event, (answer: IncomingMessage, socket: Duplex, head: Buffer) => {
        over();
        resolve(take(answer, socket, head));
      });
      if (event !== 'response')
        request.once('response', (answer: IncomingMessage) => {
          over();
          refusal(answer).then(reject, reject);
        });
    });
  }

  async function open(method: string, path: string, options: CallOptions = {}): Promise<IncomingMessage> {
    const answer = await begin(send(method, path, options), options, 'response', (answer) => answer);
    answer.on('error', () => {}); // told to whoever reads it
    if ((answer.statusCode ?? 500) >= 400) throw await refusal(answer);
    return answer;
  }

  async function refusal(answer: IncomingMessage): Promise<Error> {
    try {
      return new EngineRefusal(answer.statusCode ?? 0, readMessage((await readAll(answer, TIMEOUT_MS)).toString()));
    } catch (error) {
      return unreachable(address, error);
    }
  }

  return {
    address,
    open,
    async call(method, path, options = {}) {
      const answer = await open(method, path, options);
      let bytes: Buffer;
      try {
        bytes = await readAll(answer, options.timeoutMs ?? TIMEOUT_MS);
      } catch (error) {
        throw unreachable(address, error);
      }
      const text = bytes.toString().trim();
      try {
        return text === '' || text === 'OK' ? null : (JSON.parse(text) as unknown);
      } catch (error) {
        throw unreachable(address, error);
      }
    },
    hijack: (path, options = {}) =>
      begin(
        send('POST', path, options, { Connection: 'Upgrade', Upgrade: 'tcp' }),
        options,
        'upgrade',
        (_answer, socket, head) => {
          socket.on('error', () => {}); // told to whoever reads it
          if (head.length > 0) socket.unshift(head);
          return socket;
        },
      ),
    close: () => agent.destroy(),
  };
}

/** Whether the engine could not be reached, or broke off. */
export function isUnreachable(error: unknown): error is StepcastError {
  return error instanceof StepcastError && error.code === 'UNAVAILABLE';
}

function unreachable(address: EngineAddress, error: unknown): StepcastError {
  const code = (error as NodeJS.ErrnoException).code;
  const why =
    code === 'EACCES' || code === 'EPERM'
      ? "the worker's user may not use it; add the user to the group that owns the socket"
      : code === 'ENOENT' || code === 'ECONNREFUSED'
        ? 'nothing listens there; start the engine'
        : messageOf(error);
  return new StepcastError('UNAVAILABLE', `The container engine at ${address.text} does not answer: ${why}.`, {
    cause: error,
  });
}

async function readAll(answer: IncomingMessage, timeoutMs: number): Promise<Buffer> {
  const over = limitTime(answer, timeoutMs);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    }
  } finally {
    over();
  }
  return Buffer.concat(chunks);
}

/** Breaks off what takes longer. Returns how to end the watch. */
function limitTime(call: ClientRequest | IncomingMessage, timeoutMs: number): () => void {
  if (timeoutMs === Infinity) return () => {};
  const timer = setTimeout(() => call.destroy(new Error('no answer in time')), timeoutMs);
  return () => clearTimeout(timer);
}

function readMessage(text: string): string {
  let message = text.trim();
  try {
    const parsed = JSON.parse(text) as { message?: unknown };
    if (typeof parsed.message === 'string') message = parsed.message;
  } catch {
    // plain text says it as well
  }
  return message.replace(/\s+/g, ' ').slice(0, MAX_MESSAGE_LENGTH);
}
