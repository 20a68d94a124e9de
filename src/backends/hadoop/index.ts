/** The Backend HADOOP: Hadoop streaming by the `hadoop` command, which waits beside the worker for its job. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HadoopOptions } from '../../domain/backends/hadoop';
import type { BackendSpec } from '../../domain/definitions';
import { messageOf, StepcastError } from '../../domain/errors';
import { requiredType } from '../../domain/values';
import type { Backend, BackendHealth, PreparedAttempt } from '../backend';
import type { BackendServices } from '../kinds';
import { locateExecutable } from '../process/executable';
import { startProcess } from '../process/start';
import { listen } from './jobLog';
import { streamingRun, type StreamingRun } from './streamingCommand';

const run = promisify(execFile);

const VERSION_MS = 30_000;
const CLEAN_UP_MS = 60_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

type Environment = Readonly<Record<string, string>>;
type Installation = { readonly program: string; readonly jar: string } | { readonly problem: string };

export function openHadoop({ options, environment }: BackendSpec<'HADOOP'>, services: BackendServices): Backend {
  const { path, log } = services;
  const base: Environment = { PATH: path, LANG: 'C.UTF-8', ...environment };
  let version: string | undefined;

  /** What the end of the client leaves: the job itself, and its files on the cluster. */
  const cleanUp = async (program: string, { staging }: StreamingRun, jobId: string | undefined): Promise<void> => {
    const mapred = program.replace(/hadoop$/, 'mapred');
    const attempts = [
      ...(jobId === undefined ? [] : [[mapred, 'job', '-kill', jobId]]),
      ...(staging === undefined ? [] : [[program, 'fs', '-rm', '-r', '-f', '-skipTrash', staging]]),
    ];
    for (const [command = '', ...words] of attempts)
      await run(command, words, { env: base, timeout: CLEAN_UP_MS, maxBuffer: MAX_ANSWER_BYTES }).catch(
        (error: unknown) => log(`What a Hadoop job left could not be cleaned up: ${messageOf(error)}`),
      );
  };

  return {
    start(attempt, hooks) {
      const installed = findHadoop(options, attempt.env);
      if ('problem' in installed) throw new StepcastError('UNAVAILABLE', installed.problem);
      const streaming = streamingOf(attempt, options, installed);
      // The memory of the Task is that of its maps and reduces, not of the client.
      const command = startProcess({ ...attempt, resources: {} }, hooks, { argv: streaming.argv });
      let jobId: string | undefined;
      let ended = false;
      const stderr = listen(command.stderr, {
        started: (id) => {
          jobId = id;
          hooks.note(`Hadoop job ${id}.`);
        },
        progress: (map, reduce) =>
          hooks.progress(streaming.mapsOnly ? map : Math.floor((map + reduce) / 2), `map ${map}% reduce ${reduce}%`),
      });
      return {
        ...command,
        stderr,
        end: (urgent) => {
          ended = true;
          return command.end(urgent);
        },
        exited: command.exited.then(async (exit) => {
          if (ended || exit.signal !== null) await cleanUp(installed.program, streaming, jobId);
          return exit;
        }),
      };
    },

    async health(): Promise<BackendHealth> {
      const installed = findHadoop(options, base);
      if ('problem' in installed) return { state: 'MISSING', version: null, message: installed.problem };
      try {
        version ??= await askVersion(installed.program, base);
        return { state: 'READY', version, message: '' };
      } catch (error) {
        return { state: 'UNAVAILABLE', version: null, message: `\`hadoop version\` failed: ${messageOf(error)}` };
      }
    },

    close: () => Promise.resolve(),
  };
}

function streamingOf(
  attempt: PreparedAttempt,
  options: HadoopOptions,
  { program, jar }: { readonly program: string; readonly jar: string },
): StreamingRun {
  const { task, directory, resources, outputPaths } = attempt;
  const key = `${attempt.stepRunId}.${attempt.attempt}`;
  const folders = task.outputs.filter(({ type }) => requiredType(type).kind === 'Directory');
  return streamingRun({
    ...{ options, resources, program, jar, key, words: attempt.argv },
    title: `stepcast ${task.name} ${key}`,
    out: directory.out,
    tmp: directory.tmp,
    folders: new Set(folders.map(({ name }) => outputPaths[name] ?? '')),
  });
}

function findHadoop({ home, streamingJar }: HadoopOptions, { PATH = '', HADOOP_HOME }: Environment): Installation {
  const folder = home ?? HADOOP_HOME;
  const found = locateExecutable(folder === undefined ? 'hadoop' : join(folder, 'bin', 'hadoop'), PATH, '/');
  if ('problem' in found)
    return { problem: `Hadoop is not installed on this worker. ${found.problem} Or set the backend's hadoop-home.` };
  const jar = streamingJar ?? shippedJar(folder ?? join(found.path, '..', '..'));
  if (jar === undefined)
    return { problem: "The JAR of Hadoop streaming is not where Hadoop lies: set the backend's streaming-jar." };
  return { program: found.path, jar };
}

function shippedJar(home: string): string | undefined {
  const folder = join(home, 'share', 'hadoop', 'tools', 'lib');
  try {
    const name = readdirSync(folder).find((file) => /^hadoop-streaming-[\w.-]+\.jar$/.test(file));
    return name === undefined ? undefined : join(folder, name);
  } catch {
    return undefined;
  }
}

async function askVersion(program: string, env: Environment): Promise<string> {
  const { stdout } = await run(program, ['version'], { env, timeout: VERSION_MS, maxBuffer: MAX_ANSWER_BYTES });
  return /^Hadoop (\S+)/m.exec(stdout)?.[1] ?? stdout.split('\n', 1)[0] ?? '';
}
