/** Backends that give their commands to a batch scheduler as jobs. What differs between schedulers is in their dialects. */
import { setTimeout as delay } from 'node:timers/promises';
import type { BatchOptions } from '../../domain/backends/batch';
import type { BackendSpec } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import type { AttemptPlace, Backend, BackendHealth, CommandHooks, PlacedAttempt, StartedCommand } from '../backend';
import type { BackendServices } from '../kinds';
import { createCanceller } from './canceller';
import { createCommander } from './commander';
import type { Dialect, JobEnding, NativeJob } from './dialect';
import { askToStop, batchFolder, readEnd, readMachine, writeRunner } from './folder';
import { follow } from './follow';
import { gridEngine } from './gridEngine';
import { createPoller } from './poller';
import { readRecord, writeRecord, type JobRecord } from './record';
import { giveTo, ownerOf } from './ownership';
import { openPbs as openPbsDialect, torque as torqueDialect } from './pbs';
import { slurm } from './slurm';
import { createSubmitter } from './submitter';

/** The scheduler's limit comes after the task's own, so that it is the task's that ends a command. In seconds. */
const TIME_LIMIT_MARGIN = 60;
/** Between two questions for a job that a lost worker was submitting, while the scheduler does not answer. */
const ASK_AGAIN_MS = 2_000;
/** How long the scheduler may take to hear of an abandoned job, and then that to end before its directory is removed. */
const ABANDON_MS = 10_000;
const LOOK_AGAIN_MS = 200;
const tooLate = (): Promise<false> => delay(ABANDON_MS, false, { ref: false });
/** The scheduler's answer on its health comes within so many milliseconds, or it is taken not to answer. */
const HEALTH_MS = 15_000;

export const openSlurm = (spec: BackendSpec<'SLURM'>, services: BackendServices): Promise<Backend> =>
  openBatch(slurm, spec, services);
export const openGridEngine = (spec: BackendSpec<'GRID_ENGINE'>, services: BackendServices): Promise<Backend> =>
  openBatch(gridEngine, spec, services);
export const openPbs = (spec: BackendSpec<'PBS'>, services: BackendServices): Promise<Backend> =>
  openBatch(spec.options.resourceStyle === 'select' ? openPbsDialect : torqueDialect, spec, services);

async function openBatch<Options extends BatchOptions>(
  dialect: Dialect<Options>,
  spec: { readonly options: Options; readonly environment: Readonly<Record<string, string>> },
  services: BackendServices,
): Promise<Backend> {
  const { options, environment } = spec;
  const { path, log } = services;
  const { title } = dialect;
  const commander = createCommander({ options, environment, path });
  const owner = options.runAs === null ? null : await ownerOf(options.runAs, commander);
  const submitter = createSubmitter({ dialect, commander, options });
  const poller = createPoller({ dialect, commander, pollSeconds: options.pollSeconds, log });
  const canceller = createCanceller({ dialect, commander, patienceSeconds: options.patienceSeconds, log });
  const timeLimitOf = (task: { readonly timeoutSeconds: number }): number =>
    options.timeLimitSeconds ?? task.timeoutSeconds + TIME_LIMIT_MARGIN;

  async function lookUp(job: NativeJob): Promise<JobEnding | null> {
    if (!dialect.books) return null;
    const answer = await commander.run(dialect.books.ask(job));
    const state = answer.code === 0 ? dialect.books.read(answer.stdout, job) : null;
    return state?.phase === 'ended' ? state.ending : null;
  }

  function followJob(
    attempt: PlacedAttempt,
    program: string,
    hooks: CommandHooks,
    submit: (withdrawn: () => boolean) => Promise<NativeJob | null>,
  ): StartedCommand {
    const { directory, resources, task } = attempt;
    const folder = batchFolder(directory);
    const timeLimitSeconds = timeLimitOf(task);
    return follow({
      ...{ dialect, folder, program, resources, timeLimitSeconds },
      ...{ submit, poller, canceller, lookUp, hooks },
    });
  }

  /** The job of a record, found by its name when its worker died before it knew the id; null when there is none. */
  async function jobOf(place: AttemptPlace, record: JobRecord): Promise<NativeJob | null | 'unknown'> {
    const { name, index, job } = record;
    if (job !== null) return { job, index };
    const answer = await commander.run(dialect.find(name));
    const unknown = answer.code !== 0 && answer.code !== null && dialect.readFault(answer.stderr) === 'unknown';
    if (answer.code !== 0 && !unknown) return 'unknown';
    const found = unknown ? null : dialect.readFound(answer.stdout, name);
    // What has ended may be found no more, and its end is known all the same.
    if (found === null) return (await readEnd(batchFolder(place))) ? { job: name, index } : null;
    await writeRecord(place, { name, index, job: found }).catch(() => {}); // it is found again by its name
    return { job: found, index };
  }

  return {
    async start(attempt, hooks) {
      const { directory, argv, env, marks: ours, stdin, task, resources } = attempt;
      const folder = batchFolder(directory);
      const own = Object.fromEntries(Object.entries(env).filter(([name]) => !(name in ours)));
      await writeRunner({
        mark: `${folder}`,
        folder,
        cwd: directory.out,
        stdin: stdin === 'null' ? '/dev/null' : stdin.file,
        argv,
        env: own,
        keep: options.keepEnvironment,
      });
      if (owner) await giveTo(owner, directory);
      const terms = { resources, timeLimitSeconds: timeLimitOf(task) };
      return followJob(attempt, argv[0] ?? '', hooks, (withdrawn) =>
        submitter.submit({ place: directory, terms, withdrawn, note: hooks.note }),
      );
    },

    async recover(attempt, hooks) {
      const record = await readRecord(attempt.directory);
      if (!record) return null;
      for (let told = false; ; told = true) {
        hooks.checkpoint();
        const job = await jobOf(attempt.directory, record);
        if (job === null) return null;
        if (job !== 'unknown') return followJob(attempt, '', hooks, () => Promise.resolve(job));
        if (!told)
          hooks.note(`${title} does not tell whether the job of an earlier worker is there; it is asked again.`);
        await delay(ASK_AGAIN_MS);
      }
    },

    async abandon(place) {
      const record = await readRecord(place);
      const job = record && (await jobOf(place, record));
      if (job === null) return;
      const folder = batchFolder(place);
      await askToStop(folder);
      // What else is to be cleared away does not wait for a scheduler that is away: this is tried again.
      const isTold = job !== 'unknown' && (await Promise.race([canceller.cancel(job).then(() => true), tooLate()]));
      if (!isTold)
        throw new StepcastError(
          'UNAVAILABLE',
          `${title} does not answer, so a job that nobody wants any more cannot be cancelled.`,
        );
      const over = performance.now() + ABANDON_MS;
      while ((await readMachine(folder)) !== null && (await readEnd(folder)) === null && performance.now() < over)
        await delay(LOOK_AGAIN_MS);
    },

    health: () => healthOf(),

    async close() {
      await submitter.close();
      await canceller.close();
      poller.stop();
    },
  };

  async function healthOf(): Promise<BackendHealth> {
    const missing = commander.missing(dialect.programs);
    if (missing !== null) return { state: 'MISSING', version: null, message: `${missing} ${dialect.install}` };
    let said = '';
    for (const words of dialect.version) {
      const answer = await commander.run(words, { timeoutMs: HEALTH_MS });
      if (answer.code !== 0) {
        const complaint = answer.stderr.trim() || answer.stdout.trim();
        return { state: 'UNAVAILABLE', version: null, message: `${title} does not answer: ${complaint}` };
      }
      said += answer.stdout;
    }
    return { state: 'READY', version: dialect.readVersion(said), message: '' };
  }
}
