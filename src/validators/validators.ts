/** The validators by kind: a new one is one file and one line here. */
import type { Readable } from 'node:stream';
import type { ValidatorSpec } from '../domain/definitions';
import type { FileValue } from '../domain/values';
import { command } from './command';
import { csv } from './csv';
import { fasta } from './fasta';
import { gif } from './gif';
import { jpeg } from './jpeg';
import { json } from './json';
import { mime } from './mime';
import { pdb } from './pdb';
import { png } from './png';
import { regex } from './regex';
import { size } from './size';
import { Rejection, type SpecOf, type ValidationOptions, type Validator } from './validator';

const VALIDATORS: { readonly [Kind in ValidatorSpec['kind']]: Validator<SpecOf<Kind>> } = {
  regex,
  size,
  mime,
  png,
  gif,
  jpeg,
  pdb,
  csv,
  json,
  fasta,
  command,
};

const REASON_CHARACTERS = 500;

/**
 * Checks one file. Gives null when it is accepted, otherwise the reason for the person who sent it, with the place and
 * what was expected, in at most 500 characters. Throws when the check itself cannot be made: INVALID_DEFINITION for a spec
 * that cannot work, and whatever reading the file throws.
 */
export async function validateFile(
  spec: ValidatorSpec,
  file: FileValue,
  open: () => Readable,
  options: ValidationOptions,
): Promise<string | null> {
  const opened: Readable[] = [];
  const tracked = (): Readable => {
    const stream = open();
    opened.push(stream);
    return stream;
  };
  try {
    const validator = VALIDATORS[spec.kind] as Validator<ValidatorSpec>;
    await validator(spec, { file, open: tracked }, options);
    return null;
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const reason = error.message;
    return reason.length > REASON_CHARACTERS ? `${reason.slice(0, REASON_CHARACTERS - 1)}…` : reason;
  } finally {
    for (const stream of opened) stream.destroy();
  }
}
