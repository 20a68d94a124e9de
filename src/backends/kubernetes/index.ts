/** The Backend KUBERNETES: commands as Jobs of a cluster, with their files on a volume that both sides share. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BackendSpec } from '../../domain/definitions';
import { messageOf, StepcastError } from '../../domain/errors';
import type { AttemptPlace, Backend, BackendHealth, CommandHooks } from '../backend';
import { imageOf } from '../container/inside';
import type { BackendServices } from '../kinds';
import { ClusterRefusal, locateConfig, NO_CONFIG, openCluster, type Cluster } from './cluster';
import { jobName, jobRequest } from './jobRequest';
import { createPoller, type Poller } from './poller';
import { watchJob } from './running';

/** In the Attempt's directory: the name of its Job. */
const NOTE_FILE = 'kubernetes.json';
/** A cluster that does not answer is waited for so long, in milliseconds. */
const PATIENCE_MS = 10 * 60_000;
const ASK_AGAIN_MS = 1_000;
/** Refusals that have nothing to do with the Task: who the worker is, what its namespace may. */
const OPERATORS = new Set([401, 403, 404]);

interface Known {
  readonly cluster: Cluster;
  readonly poller: Poller;
}

export function openKubernetes(spec: BackendSpec<'KUBERNETES'>, services: BackendServices): Backend {
  const { options } = spec;
  const watching = { log: services.log, pendingSeconds: options.pendingSeconds };
  let opened: Promise<Known> | undefined;

  const open = async (): Promise<Known> => {
    const cluster = await openCluster(options);
    return { cluster, poller: createPoller(cluster) };
  };
  const known = async (): Promise<Known> => {
    opened ??= open();
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw error;
    }
  };

  return {
    async start(attempt, hooks) {
      const image = imageOf(attempt.task, spec);
      if (image === undefined)
        throw new StepcastError('BAD_INPUT', `Neither the task nor its backend "${spec.name}" names an image.`);
      const { cluster, poller } = await known();
      const name = jobName(attempt, randomUUID().slice(0, 8));
      const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
      const job = jobRequest({ attempt, spec, name, image, user });
      // It is noted before it is there, so that it is found whatever happens next.
      await writeFile(join(attempt.directory.root, NOTE_FILE), JSON.stringify({ name }), { mode: 0o600 });
      hooks.checkpoint();
      try {
        await patiently(hooks, () => cluster.create(job));
      } catch (error) {
        if (error instanceof ClusterRefusal) {
          const message = `The cluster refuses the job in namespace ${cluster.namespace}: ${error.message}`;
          throw new StepcastError(OPERATORS.has(error.status) ? 'CONFIGURATION' : 'BAD_INPUT', message);
        }
        // An answer may have been lost: the job is there all the same.
        await cluster
          .remove(name, { urgent: true })
          .catch((late: unknown) =>
            services.log(`The job ${name} may be there, and is not removed: ${messageOf(late)}`),
          );
        throw error;
      }
      hooks.note(`Kubernetes job ${name} in namespace ${cluster.namespace}, of the image ${image}.`);
      return watchJob({ cluster, poller, name, attempt, hooks, ...watching });
    },

    async recover(attempt, hooks) {
      const name = await noted(attempt.directory);
      if (name === null) return null;
      const { cluster, poller } = await known();
      const jobs = await patiently(hooks, () => cluster.jobs());
      if (!jobs.some(({ metadata }) => metadata?.name === name)) return null;
      hooks.note(`Goes on with the Kubernetes job ${name}, which an earlier worker created.`);
      return watchJob({ cluster, poller, name, attempt, hooks, ...watching });
    },

    async abandon(directory) {
      const name = await noted(directory);
      if (name !== null) await (await known()).cluster.remove(name, { urgent: true });
    },

    async health(): Promise<BackendHealth> {
      if (locateConfig(options) === null) return { state: 'MISSING', version: null, message: NO_CONFIG };
      try {
        const { cluster } = await known();
        const version = await cluster.version();
        // Whether this worker may see Jobs and pods at all.
        await Promise.all([cluster.jobs(), cluster.pods()]);
        return { state: 'READY', version, message: '' };
      } catch (error) {
        const refused = error instanceof ClusterRefusal ? 'The cluster refuses this worker: ' : '';
        return { state: 'UNAVAILABLE', version: null, message: `${refused}${messageOf(error)}` };
      }
    },

    async close() {
      (await opened?.catch(() => undefined))?.poller.stop();
    },
  };
}

/** Waits for a cluster that does not answer. Throws its refusals, UNAVAILABLE after a while, and what a stop throws. */
async function patiently<T>(hooks: CommandHooks, ask: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let told = false; ; told = true) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ClusterRefusal || performance.now() > giveUpAt) throw error;
      if (!told) hooks.note(`${messageOf(error)} It is asked again.`);
    }
    await delay(ASK_AGAIN_MS);
    hooks.checkpoint();
  }
}

async function noted({ root }: AttemptPlace): Promise<string | null> {
  try {
    return (JSON.parse(await readFile(join(root, NOTE_FILE), 'utf8')) as { name: string }).name;
  } catch (error) {
    // Cut short: the job was not there yet.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
