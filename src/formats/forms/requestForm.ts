/** The written form of a Task's request. */
import { z } from 'zod';
import type { StatusRange } from '../../domain/request';
import { headersForm } from './backends/http';
import { choose, form, isPlainObject, oneOrMany } from './form';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const methodForm = z.preprocess(
  (value) => (typeof value === 'string' ? value.toUpperCase() : value),
  z.enum(METHODS).optional(),
);

const rangeText = z.string().transform((text, context): StatusRange => {
  const [, digit] = /^([1-5])xx$/i.exec(text) ?? [];
  if (digit !== undefined) return { from: Number(digit) * 100, to: Number(digit) * 100 + 99 };
  const [, from, to] = /^([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?$/.exec(text) ?? [];
  if (from !== undefined) return { from: Number(from), to: Number(to ?? from) };
  context.addIssue({
    code: 'custom',
    message: `is no status: ${JSON.stringify(text)}`,
    params: { hint: 'Write 200, 2xx or 200-299.' },
  });
  return z.NEVER;
});

const statusForm: z.ZodType<StatusRange> = choose<StatusRange>((value) =>
  typeof value === 'string'
    ? rangeText
    : z
        .int()
        .min(100)
        .max(599)
        .transform((status) => ({ from: status, to: status })),
);

const scalarForm = z.union([z.string(), z.number(), z.boolean()]);
const fieldForm = choose<WrittenField>((value) => (Array.isArray(value) ? z.array(scalarForm) : scalarForm));
const fieldsForm = z.record(z.string().min(1), fieldForm);

/** The value of a header, of a field of a query or of a form. */
export type WrittenField = string | number | boolean | (string | number | boolean)[];

const pointer = z.string().regex(/^(\/[^~]*(~[01][^~]*)*)?$/, {
  error: "is not a JSON pointer such as /result/0/score, nor one of the words 'json', 'text', 'status', 'file'",
});

const partForm = choose<WrittenPart>((value) =>
  isPlainObject(value)
    ? form({
        header: z.string().min(1).optional(),
        file: z
          .string()
          .regex(/^[^/\0]{1,200}$/, { error: 'is not the name of a file' })
          .refine((name) => name !== '.' && name !== '..', { error: 'is not the name of a file' })
          .optional(),
      })
    : z.union([z.enum(['json', 'text', 'status', 'file']), pointer]),
);

export type WrittenPart = string | { readonly header?: string; readonly file?: string };

const longForm = form({
  method: methodForm,
  url: z.string().min(1).optional(),
  path: z.string().min(1).optional(),
  query: fieldsForm.default({}),
  headers: headersForm(fieldForm).default({}),
  body: form({
    json: z.json().optional(),
    text: z.string().optional(),
    form: fieldsForm.optional(),
    multipart: fieldsForm.optional(),
    file: z.string().min(1).optional(),
  }).optional(),
  expect: oneOrMany(statusForm).optional(),
  temporary: oneOrMany(statusForm).optional(),
  response: z.record(z.string(), partForm).default({}),
});

export type RequestForm = z.output<typeof longForm>;

const LINE = new RegExp(`^(?:(${METHODS.join('|')})\\s+)?(\\S+)$`);

/** `GET /models/${model}`, or the whole form. */
export const requestForm: z.ZodType<RequestForm> = choose<RequestForm>((value) =>
  typeof value === 'string'
    ? z.string().transform((line, context): RequestForm => {
        const [, method, target] = LINE.exec(line.trim()) ?? [];
        if (target === undefined) {
          context.addIssue({
            code: 'custom',
            message: 'is not a method and a path or URL',
            params: { hint: 'Such as: request: GET /models/${model}' },
          });
          return z.NEVER;
        }
        return longForm.parse({ ...(method === undefined ? {} : { method }), [keyOf(target)]: target });
      })
    : longForm,
);

const keyOf = (target: string): 'path' | 'url' => (target.startsWith('/') ? 'path' : 'url');
