/** Gets the image of a command onto the engine, as the Backend's pull policy says. */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, StepcastError } from '../../domain/errors';
import type { ContainerOptions, RegistryLogin } from '../../domain/backends/container';
import type { CommandHooks } from '../backend';
import { readSetting } from '../secrets';
import { EngineRefusal, type EngineApi } from './api';

export interface Image {
  /** What the engine knows it by, for good: its digest in the registry, or its own id. */
  readonly pinned: string;
}

export interface ImageKeeper {
  /**
   * Resolves when the engine has the image. Throws BAD_INPUT when there is none to be had, UNAVAILABLE when the registry
   * does not answer, and what `hooks.checkpoint` throws.
   */
  provide(name: string, hooks: Pick<CommandHooks, 'note' | 'checkpoint'>, again?: boolean): Promise<Image>;
}

/** A line in the log says how far a long pull is, this often. */
const TELL_EVERY_MS = 10_000;
/** A cancel is looked for this often while an image is pulled. */
const LOOK_MS = 100;
/** Layers that a pull keeps account of. */
const MAX_LAYERS = 1_000;
/** A pull of which the engine says nothing for so long is given up. Podman says nothing while it fetches a large layer. */
const SILENCE_MS = 60 * 60_000;

export function createImageKeeper(
  api: EngineApi,
  options: Pick<ContainerOptions, 'image' | 'pull' | 'platform' | 'registry'>,
  silenceMs = SILENCE_MS,
): ImageKeeper {
  /** One pull serves all that wait for the same image. */
  const pulls = new Map<string, { readonly done: Promise<void>; told: string }>();

  const pull = (name: string): { readonly done: Promise<void>; told: string } => {
    const known = pulls.get(name);
    if (known) return known;
    const state = { told: 'has begun', done: Promise.resolve() };
    state.done = pullImage(name, (told) => (state.told = told)).finally(() => pulls.delete(name));
    state.done.catch(() => {}); // told to those that wait
    pulls.set(name, state);
    return state;
  };

  async function pullImage(name: string, tell: (progress: string) => void): Promise<void> {
    const login = options.registry && isFor(name, options) ? loginHeader(options.registry) : undefined;
    const { repository, tag } = splitReference(name);
    let answer;
    try {
      answer = await api.open('POST', '/images/create', {
        query: { fromImage: repository, tag, platform: options.platform },
        ...(login === undefined ? {} : { headers: { 'X-Registry-Auth': login } }),
        timeoutMs: silenceMs,
      });
    } catch (error) {
      if (error instanceof EngineRefusal) throw pullFailure(name, error.message);
      throw error;
    }
    answer.setTimeout(silenceMs, () =>
      answer.destroy(new Error(`the engine has said nothing of it for ${Math.round(silenceMs / 60_000)} minutes`)),
    );
    const layers = new Map<string, { readonly bytes: number; readonly of: number }>();
    try {
      for await (const line of createInterface({ input: answer, crlfDelay: Infinity })) {
        const event = parseLine(line);
        if (event.error !== undefined) throw pullFailure(name, event.error);
        const { id, progressDetail: { current, total } = {} } = event;
        if (id === undefined || current === undefined || layers.size >= MAX_LAYERS) continue;
        layers.set(id, { bytes: current, of: total ?? current });
        tell(inWords([...layers.values()]));
      }
    } catch (error) {
      if (error instanceof StepcastError) throw error;
      throw pullFailure(name, messageOf(error));
    }
  }

  /** Waits for a pull, with a line in the log now and then; a cancel leaves it to the others. */
  async function awaitPull(
    name: string,
    { note, checkpoint }: Pick<CommandHooks, 'note' | 'checkpoint'>,
  ): Promise<void> {
    const started = performance.now();
    let toldAt = started;
    note(`Pulling the image ${name}.`);
    const running = pull(name);
    let over = false;
    const done = running.done.finally(() => (over = true));
    done.catch(() => {}); // thrown below
    while (!over) {
      await Promise.race([done, delay(LOOK_MS, undefined, { ref: false })]);
      checkpoint();
      if (performance.now() - toldAt < TELL_EVERY_MS) continue;
      toldAt = performance.now();
      note(`Pulling the image ${name}: ${running.told}.`);
    }
    await done;
    note(`Pulled the image ${name} in ${((performance.now() - started) / 1_000).toFixed(1)} s.`);
  }

  return {
    async provide(name, hooks, again = false) {
      const { pull: policy } = options;
      const present = await inspectImage(api, name);
      if (policy === 'always' || (policy === 'missing' && (!present || again))) await awaitPull(name, hooks);
      else if (present) return present;
      const found = await inspectImage(api, name);
      if (found) return found;
      const why =
        policy === 'never'
          ? 'and the backend pulls none (`pull: never`). Load it there, or set `pull: missing`.'
          : 'though it was pulled.';
      throw new StepcastError('BAD_INPUT', `The container engine has no image ${name}, ${why}`);
    },
  };
}

async function inspectImage(api: EngineApi, name: string): Promise<Image | null> {
  try {
    const found = (await api.call('GET', `/images/${encodeReference(name)}/json`)) as {
      Id?: string;
      RepoDigests?: string[] | null;
    } | null;
    return { pinned: found?.RepoDigests?.[0] ?? found?.Id ?? name };
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    if (error.status === 404) return null;
    throw new StepcastError('BAD_INPUT', `The container engine refuses the image ${name}: ${error.message}`);
  }
}

/** `registry.example.org:5000/tools/samtools:1.20` → its repository and its tag or digest; `latest` when it has none. */
export function splitReference(name: string): { readonly repository: string; readonly tag: string } {
  const digest = name.indexOf('@');
  if (digest >= 0) return { repository: name.slice(0, digest), tag: name.slice(digest + 1) };
  const colon = name.lastIndexOf(':');
  if (colon > name.lastIndexOf('/')) return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
  return { repository: name, tag: 'latest' };
}

/** `registry.example.org:5000/tools/samtools` → `registry.example.org:5000`; names without one are Docker's own. */
export function registryOf(name: string): string {
  const [first = '', ...rest] = name.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? plainRegistry(first) : DOCKER_HUB;
}

const DOCKER_HUB = 'docker.io';

/** However it is written: `https://index.docker.io/v1/` is Docker's own as well. */
function plainRegistry(written: string): string {
  const host = written
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .toLowerCase();
  return /^(index|registry|registry-1)\.docker\.io$/.test(host) ? DOCKER_HUB : host;
}

/** A password goes to its own registry alone, whichever image a task names. */
function isFor(name: string, { image, registry }: Pick<ContainerOptions, 'image' | 'registry'>): boolean {
  if (registry?.server !== undefined) return plainRegistry(registry.server) === registryOf(name);
  return image !== undefined && registryOf(image) === registryOf(name);
}

const encodeReference = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

/** The words of registries and engines for an image that no other try will find. */
const HOPELESS =
  /manifest unknown|name unknown|not found|does not exist|denied|unauthorized|authentication required|no matching manifest|invalid reference|incorrect username|no image found/i;

function pullFailure(name: string, why: string): StepcastError {
  const words = why.replace(/\s+/g, ' ').trim();
  if (HOPELESS.test(words))
    return new StepcastError(
      'BAD_INPUT',
      `The image ${name} cannot be pulled: ${words}. Check its name, and whether its registry asks for a login (\`registry\` of the backend).`,
    );
  return new StepcastError('UNAVAILABLE', `The image ${name} cannot be pulled now: ${words}`);
}

/** Throws CONFIGURATION when the worker lacks a secret. */
function loginHeader({ server, username, password }: RegistryLogin): string {
  const login = {
    username: readSetting(username),
    password: readSetting(password),
    ...(server === undefined ? {} : { serveraddress: server }),
  };
  // The URL's alphabet, and with the padding.
  return Buffer.from(JSON.stringify(login)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

interface PullEvent {
  readonly id?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

function parseLine(line: string): PullEvent {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // words for people
  }
}

function inWords(layers: readonly { readonly bytes: number; readonly of: number }[]): string {
  const sum = (part: 'bytes' | 'of'): number => layers.reduce((total, layer) => total + layer[part], 0);
  return `${megabytes(sum('bytes'))} of ${megabytes(sum('of'))} MB of ${layers.length} layers`;
}

const megabytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0);
