/** Everything that is checked before anything is queued: types, bounds, and what the Validators say of the data. */
import type { JobInput, JobSpec } from '../domain/definitions';
import { digestOf } from '../domain/digest';
import type { UserError } from '../domain/errors';
import { checkValue } from '../domain/typing';
import { filesIn, isOptional, mainFilesIn, mapFiles, type Value, type Values } from '../domain/values';
import { missingSecondaryFiles } from '../domain/secondaryFiles';
import { validateFile } from '../validators/validators';
import type { FileContext } from './readFile';
import { readFiles } from './readFiles';

export interface IntakeContext extends FileContext {
  readonly scratchDir: string;
  /** What was checked in this call: many Submissions on one file store and validate it once. */
  readonly checked: Map<string, Promise<CheckedInput>>;
}

export type Prepared =
  { readonly ok: true; readonly inputs: Values } | { readonly ok: false; readonly errors: readonly UserError[] };

/** The fields of its errors begin below the input. */
interface CheckedInput {
  readonly value: Value;
  /** What is wrong with its type and bounds. */
  readonly errors: readonly UserError[];
  /** What the Validators say of its files: they are read at the first call. */
  rejections(): Promise<readonly UserError[]>;
}

/** Where the caller gave an input, or would have: its last part is the caller's name of it (`minLength` for `min-length`). */
export type FieldOfInput = (input: string) => readonly string[];

/**
 * Turns what a caller gave into the inputs of a Submission, or says all that is wrong with it. What is not given is taken
 * from `earlier`, the checked inputs of another Submission; it is checked again, since this may be another version of the
 * Job.
 */
export async function prepareInputs(
  context: IntakeContext,
  job: JobSpec,
  raw: Readonly<Record<string, unknown>>,
  fieldOf: FieldOfInput,
  earlier: Values = {},
): Promise<Prepared> {
  const errors: UserError[] = unknownInputs(job, raw, fieldOf);
  const below = (input: string, found: readonly UserError[]): UserError[] =>
    found.map((error) => ({ ...error, field: [...fieldOf(input), ...error.field] }));
  const checked: [string, CheckedInput][] = [];
  for (const input of job.inputs) {
    const shownName = fieldOf(input.name).at(-1) ?? input.name;
    const taken = Object.hasOwn(raw, input.name) ? null : (earlier[input.name] ?? null);
    const one =
      taken === null
        ? await checkOnce(context, job, input, raw[input.name], shownName)
        : await checkEarlier(context, input, taken, shownName);
    errors.push(...below(input.name, one.errors));
    checked.push([input.name, one]);
  }
  // Types first, then data: Validators read whole files and may take a while.
  if (errors.length === 0) for (const [name, one] of checked) errors.push(...below(name, await one.rejections()));
  if (errors.length > 0) return { ok: false, errors };
  return { ok: true, inputs: Object.fromEntries(checked.map(([name, { value }]) => [name, value])) };
}

function unknownInputs(job: JobSpec, raw: Readonly<Record<string, unknown>>, fieldOf: FieldOfInput): UserError[] {
  const known = new Set(job.inputs.map((input) => input.name));
  const list = job.inputs.map((input) => fieldOf(input.name).at(-1)).join(', ') || 'none';
  return Object.keys(raw)
    .filter((name) => !known.has(name))
    .map((name) => ({
      code: 'BAD_INPUT',
      message: `Job "${job.name}" has no input "${name}"; it has: ${list}.`,
      field: fieldOf(name),
    }));
}

function checkOnce(
  context: IntakeContext,
  job: JobSpec,
  input: JobInput,
  raw: unknown,
  shownName: string,
): Promise<CheckedInput> {
  const key = digestOf([job.name, input.name, shownName, raw ?? null]);
  const known = context.checked.get(key);
  if (known) return known;
  const checking = check(context, input, raw, shownName);
  context.checked.set(key, checking);
  return checking;
}

const done = (value: Value, ...messages: string[]): CheckedInput => ({
  value,
  errors: messages.map((message) => ({ code: 'BAD_INPUT', message, field: [] })),
  rejections: () => Promise.resolve([]),
});

async function check(context: IntakeContext, input: JobInput, raw: unknown, shownName: string): Promise<CheckedInput> {
  if (raw === undefined || raw === null) {
    if (input.default !== undefined) return done(input.default);
    return isOptional(input.type) ? done(null) : done(null, `Input "${shownName}" is required.`);
  }
  const errors: UserError[] = [];
  const read = await readFiles(context, input.type, raw, [shownName], errors);
  if (errors.length > 0) {
    return { ...done(null), errors: errors.map((error) => ({ ...error, field: error.field.slice(1) })) };
  }
  return checkRead(context, input, read, shownName);
}

/** A value of an earlier Submission: its files are used as they are, if they are still there. */
async function checkEarlier(
  context: IntakeContext,
  input: JobInput,
  value: Value,
  shownName: string,
): Promise<CheckedInput> {
  for (const file of filesIn(value)) {
    if (await context.store.keep(file.sha256)) continue;
    return done(null, `Input "${shownName}": the file '${file.name}' of the earlier submission is gone; give it anew.`);
  }
  return checkRead(context, input, value, shownName);
}

function checkRead(context: IntakeContext, input: JobInput, read: unknown, shownName: string): CheckedInput {
  const reasons = [...checkValue(input.type, input, read)];
  if (reasons.length === 0) reasons.push(...traitReasons(input, read as Value));
  if (reasons.length > 0) return done(null, ...reasons.map((reason) => `Input "${shownName}": ${reason}.`));
  // checkValue has just shown that it is a Value.
  const value = withFormat(input, read as Value);
  let rejected: Promise<readonly UserError[]> | undefined;
  return { value, errors: [], rejections: () => (rejected ??= rejections(context, input, value)) };
}

/** Whether the files are what the input says of them: their format, and what is beside them. */
function traitReasons({ format, secondaryFiles = [] }: JobInput, value: Value): string[] {
  return mainFilesIn(value).flatMap((file) => {
    const missing = missingSecondaryFiles(file, secondaryFiles);
    const other = format !== undefined && file.format !== undefined && file.format !== format;
    return [
      ...(other ? [`'${file.name}' is ${file.format}, and ${format} is expected`] : []),
      ...(missing.length > 0 ? [`beside '${file.name}', ${missing.join(' and ')} must be given (secondaryFiles)`] : []),
    ];
  });
}

function withFormat({ format }: JobInput, value: Value): Value {
  return format === undefined ? value : mapFiles(value, (file) => ({ ...file, format }));
}

async function rejections(context: IntakeContext, input: JobInput, value: Value): Promise<UserError[]> {
  const errors: UserError[] = [];
  for (const file of mainFilesIn(value)) {
    for (const validator of input.validators) {
      const reason = await validateFile(validator, file, () => context.store.read(file.sha256), {
        store: context.store,
        workDir: context.scratchDir,
      });
      if (reason === null) continue;
      errors.push({ code: 'REJECTED_DATA', message: `${file.name}: ${reason}`, field: [] });
      // One reason a file: those that follow are mostly its echoes.
      break;
    }
  }
  return errors;
}
