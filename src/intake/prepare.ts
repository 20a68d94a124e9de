/** Everything that is checked before anything is queued: types, bounds, and what the Validators say of the data. */
import type { ArtifactStore } from '../artifacts/store';
import type { JobInput, JobSpec } from '../domain/definitions';
import type { UserError } from '../domain/errors';
import { checkValue } from '../domain/typing';
import { filesIn, isOptional, type Value, type Values } from '../domain/values';
import { validateFile } from '../validators/validators';
import { readFiles, type FileSources } from './readFiles';

export interface IntakeContext {
  readonly store: ArtifactStore;
  readonly sources: FileSources;
  readonly maxInlineBytes: number;
  readonly scratchDir: string;
}

export type Prepared =
  { readonly ok: true; readonly inputs: Values } | { readonly ok: false; readonly errors: readonly UserError[] };

/**
 * Turns what a caller gave into the inputs of a Submission, or says all that is wrong with it. `nameOf` gives the name
 * under which the caller knows an input (the typed mutations write `minLength` for `min-length`).
 */
export async function prepareInputs(
  context: IntakeContext,
  job: JobSpec,
  raw: Readonly<Record<string, unknown>>,
  field: readonly string[],
  nameOf: (input: string) => string = (name) => name,
): Promise<Prepared> {
  const errors: UserError[] = unknownInputs(job, raw, field, nameOf);
  const entries: [string, Value][] = [];
  for (const input of job.inputs) {
    const path = [...field, nameOf(input.name)];
    const value = await prepareOne(context, input, raw[input.name], path, errors);
    entries.push([input.name, value]);
  }
  if (errors.length > 0) return { ok: false, errors };
  const inputs = Object.fromEntries(entries);
  const rejected = await rejections(context, job, inputs, field, nameOf);
  return rejected.length > 0 ? { ok: false, errors: rejected } : { ok: true, inputs };
}

function unknownInputs(
  job: JobSpec,
  raw: Readonly<Record<string, unknown>>,
  field: readonly string[],
  nameOf: (input: string) => string,
): UserError[] {
  const known = new Set(job.inputs.map((input) => input.name));
  const list = job.inputs.map((input) => nameOf(input.name)).join(', ') || 'none';
  return Object.keys(raw)
    .filter((name) => !known.has(name))
    .map((name) => ({
      code: 'BAD_INPUT',
      message: `Job "${job.name}" has no input "${name}"; it has: ${list}.`,
      field: [...field, name],
    }));
}

async function prepareOne(
  context: IntakeContext,
  input: JobInput,
  raw: unknown,
  field: readonly string[],
  errors: UserError[],
): Promise<Value> {
  if (raw === undefined || raw === null) {
    if (input.default !== undefined) return input.default;
    if (!isOptional(input.type)) {
      errors.push({ code: 'BAD_INPUT', message: `Input "${field.at(-1)}" is required.`, field });
    }
    return null;
  }
  const before = errors.length;
  const value = await readFiles(context, input.type, raw, field, errors);
  if (errors.length > before) return null;
  for (const reason of checkValue(input.type, input, value)) {
    errors.push({ code: 'BAD_INPUT', message: `Input "${field.at(-1)}": ${reason}.`, field });
  }
  // checkValue has just shown that it is a Value.
  return value as Value;
}

/** Types first, then data: Validators read whole files and may take a while. */
async function rejections(
  context: IntakeContext,
  job: JobSpec,
  inputs: Values,
  field: readonly string[],
  nameOf: (input: string) => string,
): Promise<UserError[]> {
  const errors: UserError[] = [];
  for (const input of job.inputs) {
    for (const file of filesIn(inputs[input.name])) {
      for (const validator of input.validators) {
        const reason = await validateFile(validator, file, () => context.store.read(file.sha256), {
          store: context.store,
          workDir: context.scratchDir,
        });
        if (reason === null) continue;
        errors.push({
          code: 'REJECTED_DATA',
          message: `${file.name}: ${reason}`,
          field: [...field, nameOf(input.name)],
        });
        // One reason a file: those that follow are mostly its echoes.
        break;
      }
    }
  }
  return errors;
}
