/** What ports say of their files, along the links of a Job: formats that differ, secondary files that nobody makes. */
import type { FileTraits, JobInput, JobSpec, StepSpec } from './definitions';
import type { JobProblem } from './checkJob';

type Named = FileTraits & { readonly name: string };

/** The ports of what a Step runs; `outputs` is null where nothing is known of their files. */
export interface TraitPorts {
  readonly inputs: readonly Named[];
  readonly outputs: readonly Named[] | null;
}

/** Undefined: what the Step runs is not known, which is told elsewhere. */
export type TraitsOfStep = (step: StepSpec) => TraitPorts | undefined;

/** Links between ports that say different things of their files. */
export function checkFileTraits(job: JobSpec, portsOf: TraitsOfStep): JobProblem[] {
  const steps = new Map(job.steps.map((step) => [step.name, step]));
  const inputs = new Map(job.inputs.map((input) => [input.name, input]));
  return job.steps.flatMap((step) =>
    (portsOf(step)?.inputs ?? []).flatMap((port): JobProblem[] => {
      const path = ['steps', step.name, 'in', port.name];
      const link = step.links[port.name];
      if (link?.kind === 'input') return formatProblems(inputs.get(link.input), port, path);
      if (link?.kind !== 'output') return [];
      const source = steps.get(link.step);
      const output = source && portsOf(source)?.outputs?.find(({ name }) => name === link.port);
      if (!output) return [];
      return [...formatProblems(output, port, path), ...secondaryProblems(output, port, path)];
    }),
  );
}

/** An input of a Job promises what the ports it is linked to expect, where it says nothing itself. */
export function withPortTraits(input: JobInput, steps: readonly StepSpec[], portsOf: TraitsOfStep): JobInput {
  const ports = steps.flatMap((step) =>
    (portsOf(step)?.inputs ?? []).filter((port) => {
      const link = step.links[port.name];
      return link?.kind === 'input' && link.input === input.name;
    }),
  );
  const format = input.format ?? ports.find((port) => port.format !== undefined)?.format;
  const expected = ports.flatMap((port) => port.secondaryFiles ?? []);
  const patterns = [...new Set(expected.map(({ pattern }) => pattern))];
  const together = patterns.map((pattern) => ({
    pattern,
    required: expected.some((one) => one.pattern === pattern && one.required),
  }));
  const secondaryFiles = input.secondaryFiles ?? (together.length > 0 ? together : undefined);
  return { ...input, ...(format === undefined ? {} : { format }), ...(secondaryFiles ? { secondaryFiles } : {}) };
}

function formatProblems(from: FileTraits | undefined, to: FileTraits, path: readonly string[]): JobProblem[] {
  if (from?.format === undefined || to.format === undefined || from.format === to.format) return [];
  const message = `gives files of the format ${from.format} where ${to.format} is expected`;
  return [{ path, message, hint: 'Convert them in a step between, or change one of the two formats.' }];
}

function secondaryProblems(from: FileTraits, to: FileTraits, path: readonly string[]): JobProblem[] {
  const made = new Set((from.secondaryFiles ?? []).map(({ pattern }) => pattern));
  const lacking = (to.secondaryFiles ?? []).filter(({ pattern, required }) => required && !made.has(pattern));
  if (lacking.length === 0) return [];
  const names = lacking.map(({ pattern }) => pattern).join(', ');
  const message = `gives files without ${names} beside them, and they are expected`;
  return [{ path, message, hint: `Collect them with the output: secondary: [${names}].` }];
}
