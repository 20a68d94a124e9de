/** How a caller writes a file and a folder. */
import { z } from 'zod';

const nameForm = z
  .string()
  .min(1)
  .max(255)
  .refine((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..', 'a file name has no slash in it');

/** Files beside one file. */
const MAX_SECONDARY_FILES = 20;

const contentKeys = {
  /** Needed only where a value may be anything: it tells a file from other data. */
  class: z.literal('File').nullish(),
  text: z.string().nullish(),
  upload: z.string().nullish(),
  result: z.string().nullish(),
  name: nameForm.nullish(),
};

/** A file in the input of a mutation. Exactly one of `text`, `upload` and `result`. */
export const fileForm = z.strictObject({
  ...contentKeys,
  secondaryFiles: z
    .array(z.strictObject({ ...contentKeys, secondaryFiles: z.array(z.never()).nullish() }))
    .max(MAX_SECONDARY_FILES)
    .nullish(),
});
export type FileForm = z.output<typeof fileForm>;

/** A folder: files and folders in it. The folders are parsed one by one. */
export const directoryForm = z.strictObject({
  class: z.literal('Directory').nullish(),
  name: nameForm.nullish(),
  files: z.array(fileForm).nullish(),
  directories: z.array(z.unknown()).nullish(),
});

const FILE_KEYS = new Set(Object.keys(fileForm.shape));
const DIRECTORY_KEYS = new Set(Object.keys(directoryForm.shape));

/** Where several types are possible: all its keys are those of a file, and one says where the content is. */
export function looksLikeFile(value: object): boolean {
  const keys = Object.keys(value);
  return keys.every((key) => FILE_KEYS.has(key)) && keys.some((key) => ['text', 'upload', 'result'].includes(key));
}

export function looksLikeDirectory(value: object): boolean {
  const keys = Object.keys(value);
  return keys.every((key) => DIRECTORY_KEYS.has(key)) && keys.some((key) => ['files', 'directories'].includes(key));
}
