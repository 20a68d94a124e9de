/** What a port says of its files: `format: csv`, `secondary: [.fai, ^.dict?]`. */
import { z } from 'zod';
import { parseSecondaryFile, type SecondaryFile } from '../../domain/secondaryFiles';
import { oneOrMany } from './form';

/** More files beside one file are a folder. */
const MAX_SECONDARY_FILES = 20;
const MAX_FORMAT_CHARACTERS = 500;

const secondaryFileForm = z.string().transform((written, context): SecondaryFile => {
  const parsed = parseSecondaryFile(written);
  if (parsed) return parsed;
  context.addIssue({
    code: 'custom',
    message: `'${written}' is not the ending of a file name`,
    params: {
      hint: 'Write such as .fai, or ^.dict to take the extension off first; a ? behind it: it may be missing.',
    },
  });
  return z.NEVER;
});

const formatForm = z.string().min(1).max(MAX_FORMAT_CHARACTERS).regex(/^\S+$/, {
  error: 'is not a format: write a name such as csv, or an IRI',
});

export const fileTraits = {
  format: formatForm.optional(),
  secondary: oneOrMany(secondaryFileForm)
    .refine((files) => files.length <= MAX_SECONDARY_FILES, `more than ${MAX_SECONDARY_FILES} files beside one file`)
    .optional(),
};
