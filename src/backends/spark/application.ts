/** Follows a running Spark application by the REST interface of its driver. */
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { KEY_PROPERTY } from './submitCommand';

export interface Application {
  /** Once it is known. */
  id(): string | undefined;
  end(): void;
}

export interface ApplicationWatch {
  readonly port: number;
  readonly key: string;
  readonly found: (id: string) => void;
  readonly progress: (percent: number, message: string) => void;
}

/** What the driver tells of one of its jobs. */
export interface SparkJob {
  readonly status: string;
  readonly numTasks: number;
  readonly numCompletedTasks: number;
  readonly numSkippedTasks: number;
}

const LOOK_MS = 1000;
/** A driver whose port was taken meanwhile takes one of the next ones. */
const PORTS = 4;
const ANSWER_MS = 2000;

/** Looks each second until it is told to end. A driver that does not answer, or is another's, is asked again. */
export function watchApplication({ port, key, found, progress }: ApplicationWatch): Application {
  const places = Array.from({ length: PORTS }, (_, offset) => port + offset).flatMap((each) =>
    ['127.0.0.1', hostname()].map((host) => `${host}:${each}`),
  );
  let base: string | undefined;
  let id: string | undefined;
  let ended = false;
  let told = '';

  const find = async (): Promise<void> => {
    for (const place of places) {
      const api = `http://${place}/api/v1/applications`;
      // What answers there may be anything.
      const one = await ofKey(api, key).catch(() => undefined);
      if (one === undefined || ended) continue;
      base = `${api}/${one}`;
      id = one;
      found(one);
      return;
    }
  };
  const tell = async (): Promise<void> => {
    if (base === undefined) await find();
    const jobs = base === undefined ? undefined : await ask<SparkJob[]>(`${base}/jobs`);
    const report = jobs && progressOf(jobs);
    if (!ended && report && `${report.percent} ${report.message}` !== told) {
      told = `${report.percent} ${report.message}`;
      progress(report.percent, report.message);
    }
  };
  const look = async (): Promise<void> => {
    await tell().catch(() => {});
    if (!ended) timer = setTimeout(() => void look(), LOOK_MS);
  };
  let timer = setTimeout(() => void look(), LOOK_MS);
  return {
    id: () => id,
    end: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}

/** The application that is the Attempt's, of those that are told of there. */
async function ofKey(api: string, key: string): Promise<string | undefined> {
  const [application] = (await ask<{ id: string }[]>(api)) ?? [];
  if (!application) return undefined;
  const facts = await ask<{ sparkProperties: [string, string][] }>(`${api}/${application.id}/environment`);
  const isOurs = facts?.sparkProperties.some(([name, value]) => name === KEY_PROPERTY && value === key) === true;
  return isOurs ? application.id : undefined;
}

/** The tasks that are done, of those that are known by now; undefined before there are any. */
export function progressOf(
  jobs: readonly SparkJob[],
): { readonly percent: number; readonly message: string } | undefined {
  const sum = (of: (job: SparkJob) => number): number => jobs.reduce((total, job) => total + of(job), 0);
  const tasks = sum((job) => job.numTasks - job.numSkippedTasks);
  const done = sum((job) => job.numCompletedTasks);
  if (tasks <= 0) return undefined;
  const jobsDone = jobs.filter(({ status }) => status === 'SUCCEEDED').length;
  const percent = Math.min(99, Math.floor((done / tasks) * 100));
  return { percent, message: `${done} of ${tasks} Spark tasks, ${jobsDone} of ${jobs.length} jobs` };
}

async function ask<Answer>(url: string): Promise<Answer | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    return response.ok ? ((await response.json()) as Answer) : undefined;
  } catch {
    return undefined;
  }
}

/** A port that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
