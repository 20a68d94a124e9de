/** What ports say of their files, along the links of a Job: formats that differ, secondary files that nobody makes. */
import type { JobProblem } from './checkJob';
import type { FileTraits, JobInput, JobSpec, Link, Source, StepSpec } from './definitions';
import { signatureOf, type Library } from './signature';

/** Links between ports that say different things of their files. */
export function checkFileTraits(job: JobSpec, library: Library): JobProblem[] {
  const steps = new Map(job.steps.map((step) => [step.name, step]));
  const inputs = new Map(job.inputs.map((input) => [input.name, input]));
  return job.steps.flatMap((step) =>
    (signatureOf(step.run, library)?.ports ?? []).flatMap((port) => {
      const path = ['steps', step.name, 'in', port.name];
      return sourcesOf(step.links[port.name]).flatMap((source): JobProblem[] => {
        if (source.kind === 'input') return formatProblems(inputs.get(source.input), port, path);
        const output = taskOutput(steps.get(source.step), source.port, library);
        return output ? [...formatProblems(output, port, path), ...secondaryProblems(output, port, path)] : [];
      });
    }),
  );
}

/** An input of a Job promises what the ports it is linked to expect, where it says nothing itself. */
export function withPortTraits(input: JobInput, steps: readonly StepSpec[], library: Library): JobInput {
  const ports = steps.flatMap((step) =>
    (signatureOf(step.run, library)?.ports ?? []).filter((port) =>
      sourcesOf(step.links[port.name]).some((source) => source.kind === 'input' && source.input === input.name),
    ),
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

/** What a link takes files from as they are; an expression may give any. */
function sourcesOf(link: Link | undefined): readonly Source[] {
  switch (link?.kind) {
    case 'input':
    case 'output':
      return [link];
    case 'merge':
      return link.sources;
    default:
      return [];
  }
}

/** Undefined for the outputs of Jobs, which come from many places, and for what is not known. */
function taskOutput(step: StepSpec | undefined, port: string, library: Library): FileTraits | undefined {
  const task = step?.run.kind === 'task' ? library.tasks.get(step.run.task) : undefined;
  return task?.outputs.find(({ name }) => name === port);
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
