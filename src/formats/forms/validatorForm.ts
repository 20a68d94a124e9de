/** The written forms of validators: a name alone, or a name with its settings. */
import { z } from 'zod';
import type { CsvColumn, ValidatorSpec } from '../../domain/definitions';
import { messageOf } from '../../domain/errors';
import { compilePattern } from '../../domain/pattern';
import { suggestion } from '../../domain/nearest';
import { validatorWords } from '../validatorCommand';
import { choose, form, isPlainObject, oneOrMany, passOn } from './form';
import { durationForm, sizeForm } from './units';

const count = z.int().min(0);
const COLUMN_TYPES = ['string', 'int', 'float', 'boolean', 'date'] as const;
/** How long a definer's own validator may take when nothing is said. */
const COMMAND_TIMEOUT_SECONDS = 60;

const regexSettings = form({ pattern: z.string(), flags: z.string().default(''), message: z.string().optional() });

const regexForm = choose((value) =>
  typeof value === 'string'
    ? z.string().transform((pattern) => ({ pattern, flags: '', message: undefined }))
    : regexSettings,
).superRefine(({ pattern, flags }, context) => {
  try {
    compilePattern(pattern, flags);
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: messageOf(thrown) });
  }
});

const sizeSettings = form({ min: sizeForm.optional(), max: sizeForm.optional() });

const sizeRange = choose<{ min?: number; max?: number }>((value) =>
  isPlainObject(value) ? sizeSettings : sizeForm.transform((max) => ({ max })),
);

const columnSettings = form({ type: z.enum(COLUMN_TYPES), optional: z.boolean().default(false) });

/** `float?`: a column that may have empty cells. */
const columnForm = choose((value) =>
  isPlainObject(value)
    ? columnSettings
    : z.string().transform((text, context) => {
        const written = text.trim();
        const type = COLUMN_TYPES.find((name) => name === written.replace(/\?$/, ''));
        if (type) return { type, optional: written.endsWith('?') };
        context.addIssue({
          code: 'custom',
          message: `unknown column type '${text}'`,
          params: { hint: suggestion(written, COLUMN_TYPES, 'column types') },
        });
        return z.NEVER;
      }),
);

/** Column names are any text, so they are no names of ours. */
const columnsForm = choose<CsvColumn[]>((value) =>
  Array.isArray(value)
    ? z.array(z.string().transform((name): CsvColumn => ({ name, type: 'string', optional: true })))
    : z
        .record(z.string(), columnForm)
        .transform((columns) => Object.entries(columns).map(([name, column]) => ({ name, ...column }))),
);

const csvSettings = form({
  delimiter: z.string().length(1).default(','),
  columns: columnsForm.default([]),
  exact: z.boolean().default(false),
  'min-rows': count.optional(),
  'max-rows': count.optional(),
});

const alphabetForm = z.enum(['protein', 'nucleotide', 'any']);

const fastaSettings = form({
  alphabet: alphabetForm.default('any'),
  aligned: z.boolean().default(false),
  'min-length': count.optional(),
  'max-length': count.optional(),
  'min-sequences': count.optional(),
  'max-sequences': count.optional(),
});

const commandSettings = form({
  run: z.union([z.string(), z.array(z.string())]),
  timeout: durationForm.default(COMMAND_TIMEOUT_SECONDS),
});

const commandForm = choose((value) =>
  isPlainObject(value)
    ? commandSettings
    : z.union([z.string(), z.array(z.string())]).transform((run) => ({ run, timeout: COMMAND_TIMEOUT_SECONDS })),
);

/** `true`, nothing or an empty map: no settings. */
const plain = z.unknown().transform((value, context) => {
  if (value === null || value === true || (isPlainObject(value) && Object.keys(value).length === 0)) return {};
  context.addIssue({ code: 'custom', message: 'takes no settings', params: { hint: 'Write its name alone.' } });
  return z.NEVER;
});

/** An empty setting means all the defaults. */
function lenient<T>(schema: z.ZodType<T>): z.ZodType<T> {
  return z.preprocess((value) => (value === null || value === true ? {} : value), schema);
}

const KINDS: Readonly<Record<ValidatorSpec['kind'], z.ZodType<ValidatorSpec>>> = {
  regex: regexForm.transform((settings): ValidatorSpec => ({ kind: 'regex', ...settings })),
  size: sizeRange.transform(({ min, max }): ValidatorSpec => ({ kind: 'size', minBytes: min, maxBytes: max })),
  mime: oneOrMany(z.string()).transform((types): ValidatorSpec => ({ kind: 'mime', types })),
  png: plain.transform((): ValidatorSpec => ({ kind: 'png' })),
  gif: plain.transform((): ValidatorSpec => ({ kind: 'gif' })),
  jpeg: plain.transform((): ValidatorSpec => ({ kind: 'jpeg' })),
  pdb: plain.transform((): ValidatorSpec => ({ kind: 'pdb' })),
  csv: lenient(csvSettings).transform(({ 'min-rows': minRows, 'max-rows': maxRows, ...rest }): ValidatorSpec => ({
    kind: 'csv',
    ...rest,
    minRows,
    maxRows,
  })),
  json: z
    .union([z.boolean(), z.record(z.string(), z.unknown()), z.null()])
    .transform((schema): ValidatorSpec => ({ kind: 'json', schema: schema ?? true })),
  fasta: choose((value) =>
    typeof value === 'string'
      ? alphabetForm.transform((alphabet) => fastaSettings.parse({ alphabet }))
      : lenient(fastaSettings),
  ).transform((given): ValidatorSpec => ({
    kind: 'fasta',
    alphabet: given.alphabet,
    aligned: given.aligned,
    minLength: given['min-length'],
    maxLength: given['max-length'],
    minSequences: given['min-sequences'],
    maxSequences: given['max-sequences'],
  })),
  command: commandForm.transform(({ run, timeout }, context): ValidatorSpec => {
    const words = validatorWords(run);
    if (words.ok && timeout > 0) return { kind: 'command', argv: words.argv, timeoutSeconds: timeout };
    const problem = words.ok
      ? { message: 'the timeout must be more than 0', hint: 'Give seconds, or a text such as 30s.' }
      : words;
    context.addIssue({ code: 'custom', message: problem.message, params: { hint: problem.hint } });
    return z.NEVER;
  }),
};

const KIND_NAMES = Object.keys(KINDS) as ValidatorSpec['kind'][];

export const validatorForm: z.ZodType<ValidatorSpec> = z.unknown().transform((value, context): ValidatorSpec => {
  const settings = typeof value === 'string' ? { [value]: true } : value;
  const [kind, ...others] = isPlainObject(settings) ? Object.keys(settings) : [];
  const known = KIND_NAMES.find((name) => name === kind);
  if (!isPlainObject(settings) || kind === undefined || others.length > 0 || !known) {
    const message =
      kind !== undefined && !known ? `unknown validator '${kind}'` : 'a validator is one name with its settings';
    const hint = suggestion(kind ?? '', KIND_NAMES, 'validators');
    context.addIssue({ code: 'custom', message, params: { hint } });
    return z.NEVER;
  }
  const result = KINDS[known].safeParse(settings[known]);
  if (result.success) return result.data;
  return passOn(context, result.error, (path) => [known, ...path]);
});
