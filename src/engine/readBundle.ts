/** Job versions as earlier releases stored them, in the form of this one. */
import type { BackendSpec, JobOutput, JobSpec, Run, StepSpec, When } from '../domain/definitions';
import type { JobBundle } from './plans';

/** Before Jobs could nest and scatter: Steps named their Task, and conditions and outputs had but one form. */
interface OlderStep extends Omit<StepSpec, 'run' | 'when'> {
  readonly run?: Run;
  readonly task?: string;
  readonly when?: When | { readonly kind?: undefined; readonly step: string; readonly exitCodes: readonly number[] };
}
interface OlderOutput extends Omit<JobOutput, 'source'> {
  readonly source: JobOutput['source'] | { readonly kind?: undefined; readonly step: string; readonly port: string };
}
/** Before there were other kinds than LOCAL. */
type OlderBackend = Omit<BackendSpec, 'options'> & Partial<Pick<BackendSpec, 'options'>>;
interface OlderBundle extends Omit<JobBundle, 'job' | 'jobs' | 'backends'> {
  readonly backends: readonly OlderBackend[];
  readonly job: Omit<JobSpec, 'steps' | 'outputs'> & {
    readonly steps: readonly OlderStep[];
    readonly outputs: readonly OlderOutput[];
  };
  readonly jobs?: readonly JobSpec[];
}

export function readBundle(stored: unknown): JobBundle {
  const { job, jobs = [], backends, ...rest } = stored as OlderBundle;
  return {
    ...rest,
    backends: backends.map(readBackend),
    jobs,
    job: { ...job, steps: job.steps.map(readStep), outputs: job.outputs.map(readOutput) },
  };
}

const readBackend = (backend: OlderBackend): BackendSpec => ({ options: {}, ...backend }) as BackendSpec;

function readStep({ task, run, when, ...step }: OlderStep): StepSpec {
  const current: StepSpec = { ...step, run: run ?? { kind: 'task', task: task ?? '' } };
  if (!when) return current;
  return { ...current, when: when.kind === undefined ? { ...when, kind: 'exit' } : when };
}

function readOutput(output: OlderOutput): JobOutput {
  const { source } = output;
  const current: JobOutput['source'] = source.kind === undefined ? { ...source, kind: 'output' } : source;
  return { ...output, source: current };
}
