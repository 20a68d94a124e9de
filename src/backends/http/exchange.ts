/** Sends a request, follows redirects, and waits where the service says when to come again. */
import { setTimeout as delay } from 'node:timers/promises';
import { request as send, type Dispatcher, type FormData } from 'undici';
import type { Readable } from 'node:stream';
import type { Pair } from '../../domain/buildRequest';
import { StepcastError } from '../../domain/errors';
import { isIn, type StatusRange } from '../../domain/request';
import type { AddressGuard } from './addresses';

/** A body can be sent more than once, so it is opened for each sending. */
export interface OutgoingBody {
  readonly headers: readonly Pair[];
  open(): Promise<string | FormData | Readable>;
}

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly Pair[];
  readonly body?: OutgoingBody;
  /** Statuses that are an answer and no reason to go on to somewhere else. */
  readonly expect: readonly StatusRange[];
}

export interface Client {
  readonly dispatcher: Dispatcher;
  readonly guard: AddressGuard;
  /** What the Backend adds for its own service, and for no other. */
  readonly own: { readonly origin: string; readonly headers: readonly Pair[]; readonly query: readonly Pair[] } | null;
  readonly maxRedirects: number;
  readonly maxWaitSeconds: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Dispatcher.ResponseData['body'];
  /** Where it came from in the end. */
  readonly url: URL;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** With these a service may say when to come again. */
const COME_AGAIN: ReadonlySet<number> = new Set([429, 503]);
/** So often it is waited for within one Attempt. */
const MAX_WAITS = 5;
/** Of a body that nobody wants so much is read, to keep the connection. */
const DUMPED_BYTES = 128 * 1024;
/** What must not be told to another service than the one it was meant for. */
const CONFIDENTIAL: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key']);

/** The answer to a call. `note` hears of waits and redirects. */
export async function exchange(
  client: Client,
  call: Call,
  signal: AbortSignal,
  note: (message: string) => void,
): Promise<Answer> {
  for (let waits = 0; ; waits += 1) {
    const answer = await follow(client, call, signal, note);
    if (!COME_AGAIN.has(answer.status) || isIn(call.expect, answer.status) || waits >= MAX_WAITS) return answer;
    const seconds = secondsUntil(answer.headers['retry-after']);
    if (seconds === null || seconds > client.maxWaitSeconds) return answer;
    await answer.body.dump({ limit: DUMPED_BYTES });
    note(`The service answered ${answer.status} and asks to come again in ${seconds} s.`);
    await delay(seconds * 1000, undefined, { signal });
  }
}

async function follow(
  client: Client,
  call: Call,
  signal: AbortSignal,
  note: (message: string) => void,
): Promise<Answer> {
  let { method, url, body } = call;
  const origin = url.origin;
  for (let hops = 0; ; hops += 1) {
    const answer = await sendOnce(client, { ...call, method, url, body }, url.origin === origin, signal);
    const target = answer.headers.location;
    if (!REDIRECTS.has(answer.status) || isIn(call.expect, answer.status) || typeof target !== 'string') return answer;
    if (client.maxRedirects === 0) return answer;
    await answer.body.dump({ limit: DUMPED_BYTES });
    if (hops >= client.maxRedirects)
      throw new StepcastError('FORBIDDEN', `The service redirects more than ${client.maxRedirects} times.`);
    const next = redirectTarget(target, url);
    // As browsers do: after 303 the result is fetched, and so it is after a POST that met 301 or 302.
    if (answer.status === 303 ? method !== 'HEAD' : answer.status < 303 && method === 'POST') {
      method = 'GET';
      body = undefined;
    }
    note(`The service redirects (${answer.status}) to ${next.origin}${next.pathname}`);
    url = next;
  }
}

function redirectTarget(target: string, from: URL): URL {
  const next = URL.canParse(target, from.href) ? new URL(target, from.href) : undefined;
  if (!next || (next.protocol !== 'http:' && next.protocol !== 'https:'))
    throw new StepcastError('FORBIDDEN', 'The service redirects to something that is no HTTP address.');
  if (from.protocol === 'https:' && next.protocol === 'http:')
    throw new StepcastError('FORBIDDEN', `The service redirects to ${next.origin}, which is not encrypted.`);
  next.username = '';
  next.password = '';
  return next;
}

async function sendOnce(
  { dispatcher, guard, own }: Client,
  { method, url, headers, body }: Call,
  atHome: boolean,
  signal: AbortSignal,
): Promise<Answer> {
  guard.refuseAddress(url.hostname);
  const isOwn = own !== null && own.origin === url.origin;
  const all = new Map<string, Pair[]>();
  const add = (pairs: readonly Pair[]): void => {
    // The later ones take the place of earlier ones, however they are spelled.
    for (const name of new Set(pairs.map(([one]) => one.toLowerCase())))
      all.set(
        name,
        pairs.filter(([one]) => one.toLowerCase() === name),
      );
  };
  add([
    ['user-agent', 'stepcast'],
    ['accept', '*/*'],
    ['accept-encoding', 'identity'],
  ]);
  if (isOwn) add(own.headers);
  if (body) add(body.headers);
  add(headers.filter(([name]) => atHome || !CONFIDENTIAL.has(name.toLowerCase())));
  const target = new URL(url);
  if (isOwn) for (const [name, value] of own.query) target.searchParams.append(name, value);
  const response = await send(target, {
    dispatcher,
    method: method as Dispatcher.HttpMethod,
    headers: [...all.values()].flat().flatMap(([name, value]) => [name, value]),
    body: body ? await body.open() : null,
    signal,
  });
  return { status: response.statusCode, headers: response.headers, body: response.body, url };
}

/** Seconds from now, from seconds or a date (RFC 9110); null for anything else. */
export function secondsUntil(retryAfter: string | string[] | undefined, now: number = Date.now()): number | null {
  if (typeof retryAfter !== 'string') return null;
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - now) / 1000));
}
