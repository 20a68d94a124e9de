import { z } from 'zod';
import { refusedBy, UserErrors, type Api } from '../client/api';
import { createSender } from '../client/send';
import { readInputs, readMatrix, type InputValue } from '../inputValues';
import { inputsOf, type SubmitRequest } from './submit';

const SUBMIT = `mutation ($input: SubmitMatrixInput!) {
  submitMatrix(input: $input) { batch { id } submissions { id label } userErrors { code message field } }
}`;
const Submitted = z.object({
  submitMatrix: z.object({
    batch: z.object({ id: z.string() }).nullable(),
    submissions: z.array(z.object({ id: z.string(), label: z.string() })),
    userErrors: UserErrors,
  }),
});

export interface MatrixRequest extends SubmitRequest {
  /** `name=value,value` words. */
  readonly matrix: readonly string[];
  /** `name=value,name=value` words, a combination each. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export interface SubmittedMatrix {
  readonly batchId: string;
  readonly submissions: readonly { readonly id: string; readonly label: string }[];
}

/** Uploads the files and submits the job on every combination. Throws CommandError with each reason for a refusal. */
export async function submitMatrix(api: Api, request: MatrixRequest): Promise<SubmittedMatrix> {
  const { job, priority, label, idempotencyKey, reuse } = request;
  const ports = await inputsOf(api, job);
  const inputs = await readInputs(job, ports, request.inputs);
  const matrix = await readMatrix(job, ports, request.matrix);
  const combinations = (flag: '--include' | '--exclude', words: readonly string[]) =>
    Promise.all(words.map((word) => readInputs(job, ports, word.split(','), flag)));
  const include = await combinations('--include', request.include);
  const exclude = await combinations('--exclude', request.exclude);

  const send = createSender(api);
  const all = async (list: readonly Readonly<Record<string, InputValue>>[]): Promise<unknown[]> => {
    const done: unknown[] = [];
    for (const one of list) done.push(await send(one));
    return done;
  };
  const input = {
    job,
    label,
    inputs: await send(inputs),
    matrix: await send(matrix),
    include: await all(include),
    exclude: await all(exclude),
    options: { priority, label, idempotencyKey, reuse },
  };
  const { batch, submissions, userErrors } = (await api.call(Submitted, SUBMIT, { input })).submitMatrix;
  if (!batch) throw refusedBy(userErrors);
  return { batchId: batch.id, submissions };
}
