/** The Backend HTTP: a Task's request is sent to a service, and its response becomes the outputs. */
import { Readable } from 'node:stream';
import type { Agent } from 'undici';
import { buildRequest, type Pair } from '../../domain/buildRequest';
import { messageOf, StepcastError } from '../../domain/errors';
import type { BackendSpec, TaskSpec } from '../../domain/definitions';
import { isIn, type RequestSpec } from '../../domain/request';
import type { Backend, BackendHealth, CommandExit, CommandHooks, PreparedAttempt } from '../backend';
import { hider, readSetting, type Variables } from '../secrets';
import { createAddressGuard, type Resolve } from './addresses';
import { outgoing } from './body';
import { exchange, type Answer, type Call, type Client } from './exchange';
import { excerptOf, needsBody, readOutputs, saveBody } from './response';
import { failureOf } from './trouble';

const NO_FIGURES = { signal: null, cpuMs: null, maxRssBytes: null } as const;
const MAX_SHOWN_URL = 500;

/** What tests may put in the place of the machine's own. */
export interface HttpSurroundings {
  readonly variables?: Variables;
  readonly resolve?: Resolve;
}

export async function openHttp(
  { options }: BackendSpec<'HTTP'>,
  _services: unknown,
  { variables = process.env, resolve }: HttpSurroundings = {},
): Promise<Backend> {
  const { Agent } = await import('undici');
  const guard = createAddressGuard(options.allowInternal, resolve);
  const connectMs = options.connectTimeoutSeconds * 1000;
  const idleMs = options.idleTimeoutSeconds * 1000;
  const dispatcher: Agent = new Agent({
    connect: { lookup: guard.lookup, timeout: connectMs },
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
  });
  const pairs = (settings: typeof options.headers): Pair[] =>
    Object.entries(settings).map(([name, setting]) => [name, readSetting(setting, variables)]);
  /** Throws CONFIGURATION when this worker lacks a secret. */
  const client = (): Client => ({
    ...{ dispatcher, guard, maxRedirects: options.maxRedirects, maxWaitSeconds: options.maxWaitSeconds },
    own:
      options.baseUrl === undefined
        ? null
        : { origin: new URL(options.baseUrl).origin, headers: pairs(options.headers), query: pairs(options.query) },
  });
  const secrets = (): string[] =>
    Object.values({ ...options.headers, ...options.query }).flatMap((setting) =>
      typeof setting === 'string' ? [] : [variables[setting.env] ?? ''],
    );

  async function run(
    { task, directory }: PreparedAttempt,
    request: RequestSpec,
    call: Call,
    signal: AbortSignal,
    hooks: CommandHooks,
  ): Promise<CommandExit> {
    const hide = hider(secrets());
    const shown = `${call.method} ${call.url.href.slice(0, MAX_SHOWN_URL)}`;
    const started = performance.now();
    try {
      const answer = await exchange(client(), call, signal, (message) => hooks.note(hide(message)));
      const seconds = ((performance.now() - started) / 1000).toFixed(3);
      hooks.note(hide(`${shown}: ${answer.status} after ${seconds} s`));
      if (!isIn(request.expect, answer.status)) return await unexpected(answer, request, task, hide);
      const saved = needsBody(request) ? await saveBody(answer, directory, options.maxResponseBytes) : null;
      if (saved) hooks.note(`${saved.size} bytes were read.`);
      else await answer.body.dump();
      const returned = await readOutputs(answer, saved, task.outputs, request.response, directory);
      return { ...NO_FIGURES, exitCode: 0, returned };
    } catch (error) {
      if (signal.aborted) return { ...NO_FIGURES, exitCode: null };
      const where = call.url.origin;
      const failure = failureOf(error, { method: call.method, where, idleSeconds: options.idleTimeoutSeconds });
      hooks.note(hide(`${shown}: ${failure.message}`));
      return { ...NO_FIGURES, exitCode: null, failure: { ...failure, message: hide(failure.message) } };
    }
  }

  return {
    start(attempt, hooks) {
      const { command } = attempt.task;
      if (command.kind !== 'request')
        throw new StepcastError('BAD_INPUT', `A Backend of kind HTTP sends requests; this task has a ${command.kind}.`);
      const controller = new AbortController();
      const call = callOf(attempt, command.request, options.baseUrl);
      const exited = run(attempt, command.request, call, controller.signal, hooks);
      return {
        stdout: Readable.from([]),
        stderr: Readable.from([]),
        exited,
        end: () => {
          controller.abort();
          return exited;
        },
      };
    },

    async health(): Promise<BackendHealth> {
      const version = null;
      let own: Client;
      try {
        own = client();
      } catch (error) {
        return { state: 'MISSING', version, message: messageOf(error) };
      }
      if (options.baseUrl === undefined) return { state: 'READY', version, message: '' };
      const url = new URL(options.baseUrl + (options.healthPath ?? ''));
      const method = options.healthPath === undefined ? 'HEAD' : 'GET';
      const signal = AbortSignal.timeout(connectMs);
      try {
        const call: Call = { method, url, headers: [], expect: [] };
        // Without a path of its own for it, any answer tells that the service is there.
        const asked = options.healthPath === undefined ? { ...own, own: null, maxRedirects: 0 } : own;
        const answer = await exchange({ ...asked, maxWaitSeconds: 0 }, call, signal, () => {});
        await answer.body.dump();
        const well = options.healthPath === undefined || (answer.status >= 200 && answer.status < 300);
        const message = well ? '' : `${url.origin}${url.pathname} answers ${answer.status}.`;
        return { state: well ? 'READY' : 'UNAVAILABLE', version: versionOf(answer), message };
      } catch (error) {
        const where = url.origin;
        const silent = `${where} gave no answer within ${options.connectTimeoutSeconds} seconds.`;
        const failure = failureOf(error, { method, where, idleSeconds: options.idleTimeoutSeconds });
        return { state: 'UNAVAILABLE', version, message: signal.aborted ? silent : failure.message };
      }
    },

    close: () => dispatcher.destroy(),
  };
}

function callOf(attempt: PreparedAttempt, request: RequestSpec, baseUrl: string | undefined): Call {
  const { values, stepRunId, inputPaths } = attempt;
  const built = buildRequest(request, { values, id: stepRunId });
  const base = request.origin ?? baseUrl;
  if (base === undefined)
    throw new StepcastError(
      'BAD_INPUT',
      'The request has a path alone, and its Backend no base-url. Give a whole url, or add base-url to the Backend.',
    );
  const url = new URL(base + built.path);
  for (const [name, value] of built.query) url.searchParams.append(name, value);
  return {
    ...{ method: request.method, url, headers: built.headers, expect: request.expect },
    ...(built.body ? { body: outgoing(built.body, inputPaths) } : {}),
  };
}

/** The exit code is the first digit of the status, so that a Task's rules for exit codes hold for statuses. */
async function unexpected(
  answer: Answer,
  { temporary }: RequestSpec,
  { exitRules }: TaskSpec,
  hide: (text: string) => string,
): Promise<CommandExit> {
  const { status, url } = answer;
  const exitCode = Math.floor(status / 100);
  const text = hide(await excerptOf(answer.body));
  const ending = { ...NO_FIGURES, exitCode };
  if ([...exitRules.success, ...exitRules.terminate].includes(exitCode)) return ending;
  const message = `${url.origin} answered ${status}, which the task does not expect.${text === '' ? '' : ` It said: ${text}`}`;
  return { ...ending, failure: { kind: isIn(temporary, status) ? 'MACHINE' : 'EXIT_CODE', message } };
}

/** What the service says of itself. */
function versionOf({ headers }: Answer): string | null {
  const { server } = headers;
  return typeof server === 'string' && server !== '' ? server.slice(0, 100) : null;
}
