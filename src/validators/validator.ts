/** What every validator is, and the words they share. */
import type { Readable } from 'node:stream';
import type { ArtifactStore } from '../artifacts/store';
import type { ValidatorSpec } from '../domain/definitions';
import type { FileValue } from '../domain/values';

/** A file to check. `open` may be called again to read it again; whoever calls validators closes the streams. */
export interface Candidate {
  readonly file: FileValue;
  readonly open: () => Readable;
}

export interface ValidationOptions {
  readonly store: Pick<ArtifactStore, 'stage'>;
  /** Where a definer's command gets its copy of the file. */
  readonly workDir: string;
}

/** Returns when the file is accepted, and throws Rejection when it is not. It streams, and holds no more than a named limit. */
export type Validator<Spec> = (spec: Spec, candidate: Candidate, options: ValidationOptions) => Promise<void> | void;

/** The member of ValidatorSpec of one kind. */
export type SpecOf<Kind extends ValidatorSpec['kind']> = ValidatorSpec extends infer Spec
  ? Spec extends { kind: infer Own }
    ? Kind extends Own
      ? Spec
      : never
    : never
  : never;

/** The data is not what the definer wants; the message is the reason, for the person who sent it. */
export class Rejection extends Error {
  override readonly name = 'Rejection';
}

const SHOWN_CHARACTERS = 40;

/** Data in a sentence: in quotes, without control characters, cut. */
export function shown(data: string): string {
  const cut = data.length > SHOWN_CHARACTERS ? `${data.slice(0, SHOWN_CHARACTERS)}…` : data;
  return `"${cut.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '\uFFFD')}"`;
}

/** `1 row`, `2 rows`, `3 entries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
