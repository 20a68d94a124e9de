/** Data as a caller gives it, turned into stored content: inline text, an upload, or an earlier result. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { ArtifactStore } from '../artifacts/store';
import { formatBytes } from '../artifacts/formatBytes';
import type { UserError } from '../domain/errors';
import type { FileValue, Value, ValueType } from '../domain/values';
import { requiredType } from '../domain/values';
import { insideHeld, laidOpen } from './heldValue';

/** Where uploads and earlier results are found; null: there is none that this submitter may use. */
export interface FileSources {
  /** `OPEN`: it was made, and its data never came. */
  upload(id: string): Promise<FileValue | 'OPEN' | null>;
  result(id: string): Promise<FileValue | null>;
}

/** A file in the input of a mutation. Exactly one of `text`, `upload` and `result`. */
const fileForm = z.strictObject({
  text: z.string().nullish(),
  upload: z.string().nullish(),
  result: z.string().nullish(),
  name: z
    .string()
    .min(1)
    .max(255)
    .refine((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..', 'a file name has no slash in it')
    .nullish(),
});

const MAX_DEPTH = 16;

/** Replaces every file form inside `raw`, where `type` wants a File. What is wrong is collected in `errors`. */
export async function readFiles(
  context: { readonly store: ArtifactStore; readonly sources: FileSources; readonly maxInlineBytes: number },
  type: ValueType,
  raw: unknown,
  field: readonly string[],
  errors: UserError[],
): Promise<unknown> {
  const read = async (inner: ValueType, value: unknown, path: readonly string[], depth: number): Promise<unknown> => {
    if (value === null || value === undefined || depth > MAX_DEPTH) return value ?? null;
    const held = insideHeld(value);
    if (held !== undefined) return held;
    const wanted = requiredType(inner);
    switch (wanted.kind) {
      case 'File':
        return readFile(context, value, path, errors);
      case 'array': {
        if (!Array.isArray(value)) return value;
        const items: unknown[] = [];
        for (const [index, item] of value.entries())
          items.push(await read(wanted.items, item, [...path, String(index)], depth + 1));
        return items;
      }
      case 'record': {
        if (typeof value !== 'object' || Array.isArray(value)) return value;
        const entries: [string, unknown][] = [];
        for (const [name, part] of Object.entries(value)) {
          const member = wanted.fields.find((one) => one.name === name);
          entries.push([name, member ? await read(member.type, part, [...path, name], depth + 1) : part]);
        }
        return Object.fromEntries(entries);
      }
      default:
        return laidOpen(value);
    }
  };
  return read(type, raw, field, 0);
}

async function readFile(
  context: { readonly store: ArtifactStore; readonly sources: FileSources; readonly maxInlineBytes: number },
  raw: unknown,
  field: readonly string[],
  errors: UserError[],
): Promise<Value> {
  const refuse = (code: UserError['code'], message: string): null => {
    errors.push({ code, message, field });
    return null;
  };
  const parsed = fileForm.safeParse(raw);
  if (!parsed.success) {
    const reason = parsed.error.issues[0]?.message ?? 'not understood';
    return refuse(
      'BAD_INPUT',
      `A file is {text: "…"}, {upload: "id"} or {result: "id"}, with an optional name: ${reason}.`,
    );
  }
  const { text, upload, result, name } = parsed.data;
  if ([text, upload, result].filter((one) => one != null).length !== 1) {
    return refuse('BAD_INPUT', 'Give exactly one of text, upload and result.');
  }
  if (text != null) {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > context.maxInlineBytes) {
      return refuse(
        'LIMIT_EXCEEDED',
        `Inline text has ${formatBytes(bytes.length)}; the limit is ${formatBytes(context.maxInlineBytes)}. Use createUpload for more.`,
      );
    }
    const stored = await context.store.write(Readable.from([bytes]));
    return { class: 'File', name: name ?? `${field.at(-1) ?? 'input'}.txt`, mediaType: 'text/plain', ...stored };
  }
  const found = upload != null ? await context.sources.upload(upload) : await context.sources.result(result ?? '');
  if (found === 'OPEN') return refuse('BAD_INPUT', 'This upload has no data yet: send it to its address first.');
  if (found === null)
    return refuse(
      'NOT_FOUND',
      upload != null ? 'There is no such upload, or it has expired.' : 'There is no such result.',
    );
  return name == null ? found : ({ ...found, name } satisfies FileValue);
}
