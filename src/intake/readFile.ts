/** One file as a caller gives it, turned into stored content: inline text, an upload, or an earlier result. */
import { Readable } from 'node:stream';
import type { ArtifactStore } from '../artifacts/store';
import { formatBytes } from '../artifacts/formatBytes';
import type { UserError } from '../domain/errors';
import type { FileValue } from '../domain/values';
import type { FileForm } from './fileForms';

/** Where uploads and earlier results are found; null: there is none that this submitter may use. */
export interface FileSources {
  /** `OPEN`: it was made, and its data never came. */
  upload(id: string): Promise<FileValue | 'OPEN' | null>;
  /** With the secondary files it had. */
  result(id: string): Promise<FileValue | null>;
}

export interface FileContext {
  readonly store: ArtifactStore;
  readonly sources: FileSources;
  readonly maxInlineBytes: number;
}

/** Stores or finds the content of the file and of its secondary files; null when something is wrong, which `errors` then tell. */
export async function readFile(
  context: FileContext,
  form: FileForm,
  field: readonly string[],
  errors: UserError[],
): Promise<FileValue | null> {
  const main = await readContent(context, form, field, errors);
  if (!form.secondaryFiles) return main;
  const secondaryFiles: FileValue[] = [];
  for (const [index, one] of form.secondaryFiles.entries()) {
    const beside = await readContent(context, one, [...field, 'secondaryFiles', String(index)], errors);
    if (beside) secondaryFiles.push(beside);
  }
  return main && { ...main, secondaryFiles };
}

async function readContent(
  { store, sources, maxInlineBytes }: FileContext,
  { text, upload, result, name }: Pick<FileForm, 'text' | 'upload' | 'result' | 'name'>,
  field: readonly string[],
  errors: UserError[],
): Promise<FileValue | null> {
  const refuse = (code: UserError['code'], message: string): null => {
    errors.push({ code, message, field });
    return null;
  };
  if ([text, upload, result].filter((one) => one != null).length !== 1) {
    return refuse('BAD_INPUT', 'Give exactly one of text, upload and result.');
  }
  if (text != null) {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length > maxInlineBytes) {
      return refuse(
        'LIMIT_EXCEEDED',
        `Inline text has ${formatBytes(bytes.length)}; the limit is ${formatBytes(maxInlineBytes)}. Use createUpload for more.`,
      );
    }
    const stored = await store.write(Readable.from([bytes]));
    return { class: 'File', name: name ?? `${field.at(-1) ?? 'input'}.txt`, mediaType: 'text/plain', ...stored };
  }
  const found = upload != null ? await sources.upload(upload) : await sources.result(result ?? '');
  if (found === 'OPEN') return refuse('BAD_INPUT', 'This upload has no data yet: send it to its address first.');
  if (found === null) {
    return refuse(
      'NOT_FOUND',
      upload != null ? 'There is no such upload, or it has expired.' : 'There is no such result.',
    );
  }
  return name == null ? found : { ...found, name };
}
