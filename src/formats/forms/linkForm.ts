/** How a link is written: where a port of a Step, or an output of a Job, gets its value. */
import { z } from 'zod';
import type { Expression } from '../../domain/expression';
import type { Value } from '../../domain/values';
import { expressionForm } from './expressionForm';
import { choose, form, isPlainObject, nameForm, oneOrMany } from './form';
import { valueForm } from './taskForm';

/** Sources that one port may have; more of them are a list of their own. */
const MAX_SOURCES = 1_000;

/** A link as it is written; names are looked up later. */
export type LinkForm =
  | SourcesForm
  | { readonly value: Value }
  | { readonly glob: string; readonly steps?: string[] | undefined; readonly inputs: boolean }
  | { readonly expression: Expression; readonly from?: SourcesForm | undefined };

/** One source or several, and how they become one value. */
export interface SourcesForm {
  readonly sources: readonly string[];
  readonly merge?: 'nested' | 'flat' | undefined;
  readonly pick?: 'first' | 'only' | 'all' | undefined;
}

export const fromForm = z.string().regex(/^[A-Za-z][\w-]*(\.[A-Za-z][\w-]*)?$/, { error: 'is not a link' });

const sourceKeys = {
  from: choose((value) =>
    Array.isArray(value) ? z.array(fromForm).min(1).max(MAX_SOURCES) : fromForm.transform((one): string[] => [one]),
  ),
  merge: z.enum(['nested', 'flat']).optional(),
  pick: z.enum(['first', 'only', 'all']).optional(),
};

const toSources = ({ from, merge, pick }: { from: string[] } & Pick<SourcesForm, 'merge' | 'pick'>): SourcesForm => ({
  sources: from,
  merge,
  pick,
});

/** `a`, `step.out`, a list of these, or a map with `from`, `merge` and `pick`. */
export const sourcesForm = choose<SourcesForm>((value) =>
  isPlainObject(value)
    ? form(sourceKeys).transform(toSources)
    : sourceKeys.from.transform((sources): SourcesForm => ({ sources })),
);

export const linkForm = choose<LinkForm>((value) => {
  if (typeof value === 'number' || typeof value === 'boolean')
    return valueForm.transform((plain) => ({ value: plain }));
  if (!isPlainObject(value)) return sourcesForm;
  if ('expression' in value) {
    return form({ expression: expressionForm, ...sourceKeys, from: sourceKeys.from.optional() }).transform(
      ({ expression, from, ...rest }) => ({
        expression,
        ...(from ? { from: toSources({ from, ...rest }) } : {}),
      }),
    );
  }
  if ('glob' in value) {
    return form({ glob: z.string().min(1), steps: z.array(nameForm).optional(), inputs: z.boolean().default(true) });
  }
  if ('from' in value) return sourcesForm;
  return 'value' in value ? form({ value: valueForm }) : noLink;
});

/** Keys that make a link, one of which is missing. */
const noLink = form({
  from: z.never().optional(),
  value: z.never().optional(),
  glob: z.never().optional(),
  expression: z.never().optional(),
}).transform((_, context): LinkForm => {
  context.addIssue({
    code: 'custom',
    message: 'the link says nothing',
    params: { hint: 'Write {from: …}, {value: …}, {glob: …} or {expression: …}.' },
  });
  return z.NEVER;
});

/** Which ports a Step scatters over: a name, several, or with the way they are combined. */
export const scatterForm = choose<{ ports: string[]; method: 'dot' | 'nested' | 'flat' }>((value) =>
  isPlainObject(value)
    ? form({
        ports: oneOrMany(nameForm).refine((ports) => ports.length > 0, { error: 'no port is named' }),
        method: z.enum(['dot', 'nested', 'flat']).default('dot'),
      })
    : oneOrMany(nameForm).transform((ports) => ({ ports, method: 'dot' as const })),
);

/** A condition on an exit code, or an expression. */
export const whenForm = choose<
  { readonly step: string; readonly 'exit-code': number[] } | { readonly expression: Expression }
>((value) => {
  if (!isPlainObject(value)) return expressionForm.transform((expression) => ({ expression }));
  return 'expression' in value
    ? form({ expression: expressionForm })
    : form({ step: nameForm, 'exit-code': oneOrMany(z.int().min(0).max(255)) });
});
