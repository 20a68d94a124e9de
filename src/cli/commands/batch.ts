import { z } from 'zod';
import type { Api } from '../client/api';
import { all, pages } from '../client/pages';
import { shortValue, took } from '../format';
import { table, type Terminal } from '../terminal';

const Batch = z.object({
  batch: z.object({
    label: z.string(),
    matrixInputs: z.array(z.string()),
    states: z.array(z.object({ state: z.string(), count: z.number() })),
  }),
});
const BATCH = 'query ($id: ID!) { batch(id: $id) { label matrixInputs states { state count } } }';

const Combination = z.object({
  values: z.record(z.string(), z.unknown()),
  state: z.string(),
  submission: z.object({
    id: z.string(),
    label: z.string(),
    message: z.string(),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
  }),
});
const COMBINATIONS = `query ($id: ID!, $after: String) {
  batch(id: $id) {
    combinations(first: 100, after: $after) {
      nodes { values state submission { id label message startedAt finishedAt } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

/** Shows a batch as a table: a row for each submission, with the values that are its own. */
export async function showBatch(api: Api, terminal: Terminal, id: string, json: boolean): Promise<void> {
  const { batch } = await api.call(Batch, BATCH, { id });
  const at = ['batch', 'combinations'];
  const combinations = await all(pages(api, { node: Combination, query: COMBINATIONS, variables: { id }, at }));
  if (json) {
    terminal.print(JSON.stringify({ id, ...batch, combinations }));
    return;
  }
  const counts = batch.states.map(({ state, count }) => `${count} ${state}`).join(', ');
  terminal.print([counts, ...(batch.label === '' ? [] : [`"${batch.label}"`])].join('  '));
  terminal.print('');
  const isMatrix = batch.matrixInputs.length > 0;
  const head = isMatrix ? batch.matrixInputs : ['LABEL'];
  const rows = combinations.map(({ values, state, submission }) => [
    ...(isMatrix ? batch.matrixInputs.map((name) => shortValue(values[name])) : [submission.label]),
    state,
    took(submission),
    submission.id,
    submission.message,
  ]);
  for (const line of table([...head, 'STATE', 'TOOK', 'ID', 'MESSAGE'], rows)) terminal.print(line);
}
