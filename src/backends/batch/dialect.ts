/** What differs between batch schedulers: the words of their commands, and how to read their answers. All of it pure. */
import type { BatchOptions } from '../../domain/backends/batch';
import type { Resources } from '../../domain/definitions';

/** A job of the scheduler's; of an array, one element of it. */
export interface NativeJob {
  readonly job: string;
  readonly index: number | null;
}

/** Names a job or an element of one, within Stepcast. */
export const jobKey = ({ job, index }: NativeJob): string => JSON.stringify([job, index]);

/** How the scheduler says that a job ended. */
export type JobEnding =
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'out-of-memory' }
  | { readonly kind: 'time-limit' }
  | { readonly kind: 'machine-lost' }
  | { readonly kind: 'preempted' }
  | { readonly kind: 'cancelled' };

/** What the scheduler says of a job. */
export type JobState =
  /** `hopeless`: it never begins by itself, because it asks for what it cannot have, or because its machine failed. */
  | { readonly phase: 'queued'; readonly reason: string; readonly hopeless: 'refused' | 'lost' | null }
  | { readonly phase: 'running'; readonly machine: string }
  | { readonly phase: 'ended'; readonly ending: JobEnding; readonly word: string };

/** What is asked of the scheduler for a command, or for all elements of an array. Equal ones can go together. */
export interface JobTerms {
  readonly resources: Resources;
  readonly timeLimitSeconds: number;
}

export interface SubmitRequest extends JobTerms {
  readonly name: string;
  /** How many elements the array has; 1 is a plain job. */
  readonly count: number;
}

/**
 * Why a command of the scheduler failed. `gone`: it does not answer, and may have done it nevertheless; `full`: it takes no
 * more now; `unknown`: it knows no such job; `refused`: it does not take this, whenever it is asked.
 */
export type SchedulerFault = 'gone' | 'full' | 'unknown' | 'refused';

export interface Dialect<Options extends BatchOptions> {
  /** The name of the scheduler in sentences. */
  readonly title: string;
  /** How its commands are installed, in a sentence. */
  readonly install: string;
  /** The programs that have to be there. */
  readonly programs: readonly string[];
  /** A job as the scheduler's commands name it. */
  spell(job: NativeJob): string;
  /** Its word also says why a command ended with a plain exit code: it counts, for one, a child that ran out of memory. */
  readonly explainsExitCodes: boolean;
  /** The array index of the first element. */
  readonly firstIndex: number;
  /** The variable in which an element finds its index. */
  readonly indexVariable: string;
  /** Reads the script from its standard input and prints the job's id. */
  submit(request: SubmitRequest, options: Options): readonly string[];
  /** The id of the job that was submitted; null when it is not in the answer. */
  readJobId(answer: string): string | null;
  /** Asks for all these jobs at once, with the elements of arrays; for all of the user's where that is not possible. */
  states(jobs: readonly string[]): readonly string[];
  /** By key. Jobs that the scheduler does not mention are missing: it has forgotten them, or never had them. */
  readStates(answer: string): ReadonlyMap<string, JobState>;
  /** Asks about one job that is not among the states any more, where the scheduler keeps books. */
  readonly books?: {
    ask(job: NativeJob): readonly string[];
    read(answer: string, job: NativeJob): JobState | null;
  };
  cancel(jobs: readonly NativeJob[]): readonly string[];
  find(name: string): readonly string[];
  /** The id of the job of that name; null when there is none. */
  readFound(answer: string, name: string): string | null;
  /** What went wrong, from what a command wrote to stderr. */
  readFault(complaint: string): SchedulerFault;
  /** Commands that ask the scheduler itself, not only its client, and print its version. */
  readonly version: readonly (readonly string[])[];
  readVersion(answer: string): string | null;
}
