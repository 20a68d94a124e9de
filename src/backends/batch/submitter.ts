/** Gathers starts into arrays, and gets them to the scheduler: each start once, however often it has to be tried. */
import { randomBytes } from 'node:crypto';
import { StepcastError } from '../../domain/errors';
import type { BatchOptions } from '../../domain/backends/batch';
import type { AttemptPlace } from '../backend';
import type { Commander } from './commander';
import type { Dialect, JobTerms, NativeJob } from './dialect';
import { quote } from './quote';
import { batchFolder } from './folder';
import { writeRecord } from './record';
import { SCRIPT_FILE } from './runner';

export interface SubmitEntry {
  readonly place: AttemptPlace;
  readonly terms: JobTerms;
  /** Nobody wants it any more. */
  readonly withdrawn: () => boolean;
  readonly note: (message: string) => void;
}

export interface Submitter {
  /**
   * Resolves when the scheduler has taken it, perhaps after it was withdrawn; null when it was withdrawn before. Throws
   * BAD_INPUT with the scheduler's words when it refuses, and UNAVAILABLE when it has not answered for longer than the
   * Backend is patient.
   */
  submit(entry: SubmitEntry): Promise<NativeJob | null>;
  /** Sends nothing more; resolves when what is being sent has its ids. What was not sent stays unanswered. */
  close(): Promise<void>;
}

export interface SubmitterRequest<Options extends BatchOptions> {
  readonly dialect: Dialect<Options>;
  readonly commander: Pick<Commander, 'run'>;
  readonly options: Options;
}

interface Waiting extends SubmitEntry {
  readonly resolve: (job: NativeJob | null) => void;
  readonly reject: (error: StepcastError) => void;
}

const FIRST_RETRY_MS = 1_000;
const SLOWEST_RETRY_MS = 30_000;
/** While it waits for others or to try again, what was withdrawn meanwhile is noticed after so many milliseconds. */
const LOOK_MS = 200;

export function createSubmitter<Options extends BatchOptions>(request: SubmitterRequest<Options>): Submitter {
  const { dialect, commander, options } = request;
  const gathering = new Map<string, Waiting[]>();
  const sending = new Set<Promise<void>>();
  let closed = false;

  const flush = (key: string, group: Waiting[]): void => {
    if (gathering.get(key) !== group) return;
    gathering.delete(key);
    if (closed) return;
    const sent = send(group).finally(() => sending.delete(sent));
    sending.add(sent);
  };

  /** Tries until the scheduler has decided, all have been withdrawn, or patience ends. */
  async function send(group: readonly Waiting[]): Promise<void> {
    const giveUpAt = Date.now() + options.patienceSeconds * 1000;
    let retryMs = FIRST_RETRY_MS;
    let unanswered: Sent | null = null;
    let told = false;
    try {
      for (;;) {
        // A scheduler that fell silent may have taken it all the same.
        if (unanswered) {
          const found = await lookFor(unanswered.name);
          if (found.state === 'there') return await settle(unanswered, found.job);
          if (found.state === 'absent') unanswered = null;
        }
        if (!unanswered) {
          for (const entry of group) if (entry.withdrawn()) entry.resolve(null);
          const wanted = group.filter((entry) => !entry.withdrawn());
          if (wanted.length === 0 || closed) return;
          const sent = await prepare(wanted);
          const answer = await commander.run(sent.words, { input: sent.script });
          const job = answer.code === 0 ? dialect.readJobId(answer.stdout) : null;
          if (job !== null) return await settle(sent, job);
          const complaint = (answer.stderr.trim() || answer.stdout.trim()).slice(0, MAX_COMPLAINT);
          const fault = answer.code === null ? 'gone' : dialect.readFault(complaint);
          if (fault === 'refused' || fault === 'unknown') throw refusal(complaint);
          if (fault === 'gone') unanswered = sent;
          if (!told) for (const { note } of wanted) note(waitingNote(fault, complaint));
          told = true;
          if (Date.now() > giveUpAt) throw tooLong(complaint);
        } else if (Date.now() > giveUpAt) throw tooLong('');
        await pause(retryMs, () => unanswered === null && group.every((entry) => entry.withdrawn()));
        if (closed) return;
        retryMs = Math.min(SLOWEST_RETRY_MS, retryMs * 2);
      }
    } catch (error) {
      const fault =
        error instanceof StepcastError
          ? error
          : new StepcastError('UNAVAILABLE', `A ${dialect.title} job could not be submitted`, { cause: error });
      for (const entry of group) entry.reject(fault);
    }
  }

  interface Sent {
    readonly name: string;
    readonly entries: readonly Waiting[];
    readonly words: readonly string[];
    readonly script: string;
  }

  const indexOf = (entries: readonly unknown[], at: number): number | null =>
    entries.length === 1 ? null : dialect.firstIndex + at;

  async function prepare(entries: readonly Waiting[]): Promise<Sent> {
    const name = jobName();
    await Promise.all(
      entries.map(({ place }, at) => writeRecord(place, { name, index: indexOf(entries, at), job: null })),
    );
    const [first] = entries;
    const terms = first?.terms ?? { resources: {}, timeLimitSeconds: 0 };
    const words = dialect.submit({ name, count: entries.length, ...terms }, options);
    return {
      name,
      entries,
      words,
      script: jobScript(
        dialect,
        entries.map(({ place }) => batchFolder(place)),
      ),
    };
  }

  async function settle({ name, entries }: Sent, job: string): Promise<void> {
    await Promise.all(
      entries.map(async (entry, at) => {
        const index = indexOf(entries, at);
        // By its name it is found as well: neither a directory that has gone nor a full disk makes a job one of nobody's.
        await writeRecord(entry.place, { name, index, job }).catch(() => {});
        entry.resolve({ job, index });
      }),
    );
  }

  async function lookFor(name: string): Promise<{ state: 'absent' | 'unsure' } | { state: 'there'; job: string }> {
    const answer = await commander.run(dialect.find(name));
    const job = answer.code === 0 ? dialect.readFound(answer.stdout, name) : null;
    if (job !== null) return { state: 'there', job };
    const absent = answer.code === 0 || (answer.code !== null && dialect.readFault(answer.stderr) === 'unknown');
    return { state: absent ? 'absent' : 'unsure' };
  }

  async function pause(ms: number, pointless: () => boolean): Promise<void> {
    const over = Date.now() + ms;
    for (let left = ms; left > 0 && !closed && !pointless(); left = over - Date.now())
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, LOOK_MS)));
  }

  const refusal = (complaint: string): StepcastError =>
    new StepcastError('BAD_INPUT', `${dialect.title} refused the job: ${complaint}`);
  const tooLong = (complaint: string): StepcastError =>
    new StepcastError(
      'UNAVAILABLE',
      `${dialect.title} took no job for ${options.patienceSeconds} seconds. ${complaint}`.trim(),
    );
  const waitingNote = (fault: 'gone' | 'full', complaint: string): string =>
    fault === 'gone'
      ? `${dialect.title} does not answer; the job is submitted as soon as it does. (${complaint})`
      : `${dialect.title} takes no more jobs now; this one is submitted as soon as it does. (${complaint})`;

  return {
    submit: (entry) =>
      new Promise((resolve, reject) => {
        if (closed) return;
        const key = JSON.stringify(entry.terms);
        const group = gathering.get(key) ?? [];
        group.push({ ...entry, resolve, reject });
        if (group.length === 1) {
          gathering.set(key, group);
          const pointless = (): boolean => gathering.get(key) !== group || group.every(({ withdrawn }) => withdrawn());
          void pause(options.flushMs, pointless).then(() => flush(key, group));
        }
        if (group.length >= options.arraySize) flush(key, group);
      }),
    close: async () => {
      closed = true;
      await Promise.all(sending);
    },
  };
}

/** Unique among the jobs of a cluster; PBS takes no more than 15 characters. */
const jobName = (): string => `step-${randomBytes(5).toString('hex')}`;

/** A scheduler's complaint may be long; this much of it goes into messages. */
const MAX_COMPLAINT = 2_000;

/** The script of a job or an array: each element hands over to the runner in its own folder. The scheduler keeps a copy. */
export function jobScript(
  { firstIndex, indexVariable }: Pick<Dialect<never>, 'firstIndex' | 'indexVariable'>,
  folders: readonly string[],
): string {
  return [
    '#!/bin/sh',
    'unset BASH_ENV ENV',
    `set -- ${folders.map(quote).join(' ')}`,
    ...(folders.length > 1 ? [`shift "$((${indexVariable} - ${firstIndex}))"`] : []),
    'LC_ALL=C',
    'export LC_ALL',
    `exec /bin/bash -p "$1/${SCRIPT_FILE}"`,
    '',
  ].join('\n');
}
