/** A matrix of values as requests for single Submissions. */
import { UserErrors, userError } from '../../src/domain/errors';
import { combinationLabel, expandMatrix, matrixInputs, type Combination } from '../../src/domain/matrix';
import type { NewBatch } from '../../src/engine/submit';
import type { Context } from '../context';
import type { SubmitMatrixInput, SubmitOptions } from './inputs';
import { jobByName, type JobRequest } from './submitJobs';

/** Throws UserErrors when the matrix has no meaning or too many combinations. */
export function matrixRequests(
  { services }: Context,
  input: SubmitMatrixInput,
): { requests: JobRequest[]; batch: NewBatch } {
  const version = jobByName(services, input.job, ['input', 'job']);
  const common = objectOf(input.inputs ?? {}, 'inputs');
  const combinations = combinationsOf(input, services.limits.maxBatch);
  const varied = matrixInputs(combinations);
  const options = input.options ?? null;
  const twice = varied.find((name) => name in common);
  if (twice !== undefined) {
    throw wrong(`"${twice}" stands in both inputs and matrix. Take it out of one.`, 'inputs', twice);
  }
  const requests = combinations.map((combination, index): JobRequest => ({
    version,
    inputs: { ...common, ...combination },
    options: options && numbered(options, index),
    field: ['input', 'options'],
    fieldOf: (name) => ['input', varied.includes(name) ? 'matrix' : 'inputs', name],
    labelOf: (values) => combinationLabel(values, varied, options?.label ?? ''),
  }));
  return { requests, batch: { label: input.label ?? '', matrixInputs: varied } };
}

function combinationsOf(input: SubmitMatrixInput, limit: number): Combination[] {
  const values = Object.entries(objectOf(input.matrix, 'matrix')).map(([name, list]): [string, unknown[]] => {
    if (!Array.isArray(list)) throw wrong(`"${name}" needs a list of values, such as [1, 2].`, 'matrix', name);
    return [name, list];
  });
  const objects = (part: 'include' | 'exclude'): Combination[] =>
    (input[part] ?? []).map((one, index) => objectOf(one, part, String(index)));
  try {
    const matrix = { values: Object.fromEntries(values), include: objects('include'), exclude: objects('exclude') };
    return expandMatrix(matrix, limit);
  } catch (error) {
    if (!(error instanceof UserErrors)) throw error;
    throw new UserErrors(
      error.errors.map((one) => {
        const [part = '', ...rest] = one.field;
        return { ...one, field: ['input', part === 'values' ? 'matrix' : part, ...rest] };
      }),
    );
  }
}

/** Each Submission has a key of its own, so that a repeated call finds all of them. */
function numbered(options: SubmitOptions, index: number): SubmitOptions {
  const { idempotencyKey } = options;
  return idempotencyKey == null ? options : { ...options, idempotencyKey: `${idempotencyKey}#${index + 1}` };
}

function objectOf(value: unknown, ...field: string[]): Combination {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Combination;
  throw wrong(`${field[0] ?? ''} is an object with values by input name.`, ...field);
}

const wrong = (message: string, ...field: string[]): UserErrors => userError('BAD_INPUT', message, ['input', ...field]);
