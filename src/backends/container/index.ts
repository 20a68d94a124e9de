/** The Backend CONTAINER: commands in containers of any engine that speaks the Docker API. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { BackendSpec } from '../../domain/definitions';
import { messageOf, StepcastError } from '../../domain/errors';
import { KEPT } from '../attempt/place';
import type {
  AttemptPlace,
  Backend,
  BackendHealth,
  CommandHooks,
  PlacedAttempt,
  PreparedAttempt,
  StartedCommand,
} from '../backend';
import type { BackendServices } from '../kinds';
import { CommandNotStarted } from '../process/nativeProcess';
import { locateEngine } from './address';
import { connectEngine, EngineRefusal, isUnreachable, type EngineApi } from './api';
import { containerRequest, unheldLimits, type ContainerOf } from './containerRequest';
import { notFound, phaseOf } from './exit';
import { readFacts, type EngineFacts } from './facts';
import { imageOf } from './inside';
import { createImageKeeper, type ImageKeeper } from './image';
import { removeContainer, stateOf, watchContainer, type RunningContainer } from './running';
import { sweepContainers } from './sweep';
import { foldersOf, giveBack, openUp, userInside } from './user';
import { requireAllowed } from './volumes';

/** In the Attempt's directory: what is needed to find its container again. */
const NOTE_FILE = 'container.json';
/** What is left over is looked for at most this often. */
const SWEEP_EVERY_MS = 60_000;

interface Note {
  readonly name: string;
  readonly image: string;
  readonly init: boolean;
}

/** An engine that answered. */
interface Engine {
  readonly api: EngineApi;
  readonly facts: EngineFacts;
  readonly images: ImageKeeper;
}

export function openContainer(spec: BackendSpec<'CONTAINER'>, services: BackendServices): Backend {
  const { options } = spec;
  const keptFolder = join(dirname(services.folder), KEPT);
  let known: Promise<Engine> | undefined;
  /** Learned from the first container: the engine has no program for it. */
  let withoutInit = false;
  let sweptAt = -Infinity;

  /** Connects when it is first needed, and again after it was away: it may have become another one. */
  const engine = async (): Promise<Engine> => {
    known ??= connect();
    try {
      return await known;
    } catch (error) {
      known = undefined;
      throw error;
    }
  };
  const connect = async (): Promise<Engine> => {
    const located = locateEngine(options.host);
    if (!('address' in located)) throw new StepcastError('UNAVAILABLE', missing(located));
    await requireAllowed(options.volumes, services.containerVolumes);
    const api = await connectEngine(located.address);
    const facts = await readFacts(api);
    return { api, facts, images: createImageKeeper(api, options) };
  };
  /** Runs `use`; what it learns of an engine that went away is forgotten. */
  const withEngine = async <T>(use: (engine: Engine) => Promise<T>): Promise<T> => {
    try {
      const found = await engine();
      await sweep(found);
      return await use(found);
    } catch (error) {
      if (isUnreachable(error)) known = undefined;
      throw error;
    }
  };
  const sweep = async ({ api }: Engine): Promise<void> => {
    if (performance.now() - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = performance.now();
    const removed = await sweepContainers(api, keptFolder, services.log);
    if (removed > 0)
      services.log(`Removed ${removed} ${removed === 1 ? 'container' : 'containers'} that nobody waits for.`);
  };

  async function start(attempt: PreparedAttempt, hooks: CommandHooks): Promise<StartedCommand> {
    const image = imageOf(attempt.task, spec);
    if (image === undefined)
      throw new StepcastError('BAD_INPUT', `Neither the task nor its backend "${spec.name}" names an image.`);
    // A folder may have become a link since the engine was met.
    await requireAllowed(options.volumes, services.containerVolumes);
    return withEngine(async (found) => {
      const { facts, api, images } = found;
      const { pinned } = await images.provide(image, hooks);
      hooks.checkpoint();
      const user = userInside(options, facts);
      if (options.user !== undefined) await openUp(attempt.directory);
      const name = `stepcast-${attempt.stepRunId}-${attempt.attempt}-${randomUUID().slice(0, 8)}`.replace(
        /[^\w.-]/g,
        '_',
      );
      const init = options.init ?? !withoutInit;
      const folders = foldersOf(attempt.directory);
      const one: ContainerOf = { attempt, spec, image, facts, init, user, hostname: hostname(), folders };
      const note: Note = { name, image, init: await create(found, one, name, hooks) };
      try {
        if (api.address.kind === 'tcp') await requireShared(api, attempt.directory, name);
        const attached = await api.hijack(`/containers/${name}/attach`, {
          query: { stream: '1', stdout: '1', stderr: '1' },
        });
        hooks.checkpoint();
        await api.call('POST', `/containers/${name}/start`);
        tell(one, pinned, name, hooks);
        return watch(found, attempt, note, hooks, { attached, endedUnseen: false });
      } catch (error) {
        await removeContainer(api, name).catch(() => {}); // the sweep will
        throw startFailure(error, attempt, image);
      }
    });
  }

  /** Returns whether it has a first process of the engine's. */
  async function create(
    found: Engine,
    one: ContainerOf,
    name: string,
    hooks: CommandHooks,
    again = false,
  ): Promise<boolean> {
    // It is noted before it is there, so that it is found whatever happens next.
    const note: Note = { name, image: one.image, init: one.init };
    await writeFile(join(one.attempt.directory.root, NOTE_FILE), JSON.stringify(note), { mode: 0o600 });
    try {
      const query = { name, platform: options.platform };
      await found.api.call('POST', '/containers/create', { query, body: containerRequest(one) });
      return one.init;
    } catch (error) {
      if (!(error instanceof EngineRefusal)) throw error;
      if (one.init && options.init === undefined && /init binary/i.test(error.message)) {
        withoutInit = true;
        return create(found, { ...one, init: false }, name, hooks, again);
      }
      // It was removed just now, or is there for another platform.
      if (error.status === 404 && !again && options.pull !== 'never' && /image/i.test(error.message)) {
        await found.images.provide(one.image, hooks, true);
        return create(found, one, name, hooks, true);
      }
      throw startFailure(error, one.attempt, one.image);
    }
  }

  function watch(
    { api, facts }: Engine,
    { task, resources, directory }: PlacedAttempt,
    { name, image, init }: Note,
    hooks: CommandHooks,
    seen: Pick<RunningContainer, 'attached' | 'endedUnseen'>,
  ): StartedCommand {
    return watchContainer({
      ...{ api, name, hooks, ...seen, log: services.log },
      context: {
        ...{
          product: facts.product,
          exitRules: task.exitRules,
          memoryBytes: facts.limits.memory ? resources.memoryBytes : undefined,
          init,
          image,
        },
        program: programOf(task.command),
      },
      giveBack: () =>
        options.user === undefined ? Promise.resolve() : giveBack(api, directory, { image, name, facts }),
    });
  }

  function tell(one: ContainerOf, pinned: string, name: string, hooks: CommandHooks): void {
    hooks.note(`Runs in the container ${name} of the image ${one.image} (${pinned}).`);
    const unheld = unheldLimits(one);
    if (unheld.length > 0) hooks.note(`This container engine holds no limit of ${unheld.join(' and ')}.`);
  }

  return {
    start,

    async recover(attempt, hooks) {
      const note = await readNote(attempt.directory);
      if (!note) return null;
      return withEngine(async (found) => {
        const state = await stateOf(found.api, note.name);
        if (!state) return null;
        if (phaseOf(state) === 'never-ran') {
          await removeContainer(found.api, note.name);
          return null;
        }
        hooks.note(`Goes on in the container ${note.name}, which an earlier worker started.`);
        const endedUnseen = phaseOf(state) === 'ended';
        return watch(found, attempt, note, hooks, { attached: null, endedUnseen });
      });
    },

    async abandon(directory) {
      const note = await readNote(directory);
      if (note) await withEngine(({ api }) => removeContainer(api, note.name));
    },

    async health(): Promise<BackendHealth> {
      try {
        const located = locateEngine(options.host);
        if (!('address' in located))
          return { state: located.installed ? 'UNAVAILABLE' : 'MISSING', version: null, message: missing(located) };
        return await withEngine(async ({ api }) => {
          const { product, version } = await readFacts(api);
          return { state: 'READY', version: `${product} ${version}`, message: '' };
        });
      } catch (error) {
        // What does not fit this worker may fit another.
        if (error instanceof StepcastError && error.code === 'CONFIGURATION') throw error;
        return { state: 'UNAVAILABLE', version: null, message: messageOf(error) };
      }
    },

    async close() {
      const found = await known?.catch(() => undefined);
      found?.api.close();
    },
  };
}

function missing({
  lookedAt,
  installed,
}: {
  readonly lookedAt: readonly string[];
  readonly installed: boolean;
}): string {
  const where = `No container engine listens at ${lookedAt.join(', ')}.`;
  return installed
    ? `${where} One is installed: start it (\`systemctl start docker\`, or \`systemctl --user start podman.socket\`).`
    : `${where} Install Docker or Podman and start it, or set \`host\` of the backend or DOCKER_HOST.`;
}

async function readNote({ root }: AttemptPlace): Promise<Note | null> {
  try {
    return JSON.parse(await readFile(join(root, NOTE_FILE), 'utf8')) as Note;
  } catch (error) {
    // Cut short: the container was not there yet.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** An engine elsewhere mounts the folder of its own machine: an empty one, when the two share none. */
async function requireShared(api: EngineApi, { root, tmp }: AttemptPlace, name: string): Promise<void> {
  const path = join(tmp, '.shared');
  await writeFile(path, '');
  try {
    await api.call('HEAD', `/containers/${name}/archive`, { query: { path } });
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    throw new StepcastError(
      'UNAVAILABLE',
      `The container engine at ${api.address.text} does not see the worker's folder ${dirname(root)}. Both need it under the same path, by a shared file system.`,
    );
  }
}

const programOf = (command: PreparedAttempt['task']['command']): string =>
  command.kind === 'argv'
    ? (command.argv[0]?.parts.map((part) => ('text' in part ? part.text : '')).join('') ?? '')
    : '/bin/sh';

/** Refusals for which the machine is to blame, and another try may help. */
const FOR_NOW =
  /no space|disk quota|cannot allocate|resource temporarily|too many open|address already in use|timed? ?out|locked/i;

function startFailure(error: unknown, { argv }: PreparedAttempt, image: string): unknown {
  if (!(error instanceof EngineRefusal)) return error;
  const { message } = error;
  if (
    /executable file.* not found|no such file or directory.*exec|exec.*no such file or directory|command that was not found/i.test(
      message,
    )
  )
    return new CommandNotStarted(notFound(argv[0] ?? '', image));
  if (/permission denied/i.test(message) && /exec/i.test(message))
    return new CommandNotStarted(`\`${argv[0]}\` of the image ${image} cannot be run: permission denied.`);
  if (error.status >= 500 && FOR_NOW.test(message))
    return new StepcastError('UNAVAILABLE', `The container engine could not start the command now: ${message}`);
  return new StepcastError('BAD_INPUT', `The container engine refuses the command: ${message}`);
}
