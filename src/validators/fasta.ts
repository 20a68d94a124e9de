import { counted, Rejection, shown, type SpecOf, type Validator } from './validator';

type FastaSpec = SpecOf<'fasta'>;

/** Of a header, for messages. */
const NAME_BYTES = 200;

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const HEADER = 0x3e;

/** What a byte may be, as bits. */
const PROTEIN = 1;
const NUCLEOTIDE = 2;
/** Letters that a nucleotide sequence is made of in practice; the other IUPAC codes are rare in it, and common in proteins. */
const PLAIN_NUCLEOTIDE = 4;
const GAP = 8;
const BLANK = 16;

const KINDS = byteKinds();

/**
 * Sequences in FASTA, in any number and length, read byte by byte. Lengths count residues without gaps. Gaps are for
 * alignments only. A protein alphabet refuses a sequence that has only the letters of nucleotides.
 */
export const fasta: Validator<FastaSpec> = async (spec, { open }) => {
  const allowed =
    spec.alphabet === 'protein' ? PROTEIN : spec.alphabet === 'nucleotide' ? NUCLEOTIDE : PROTEIN | NUCLEOTIDE;
  const header = Buffer.alloc(NAME_BYTES);
  let headerBytes = 0;
  let inHeader = false;
  let line = 1;
  let column = 0;
  let sequences = 0;
  let residues = 0;
  let gaps = 0;
  let onlyPlainNucleotides = true;
  let alignedLength: number | undefined;

  const title = (): string => `Sequence ${sequences} (${shown(header.toString('utf8', 0, headerBytes).trim())})`;

  const finishSequence = (): void => {
    if (sequences === 0) return;
    if (residues === 0) throw new Rejection(`${title()} is empty.`);
    if (spec.alphabet === 'protein' && onlyPlainNucleotides) {
      throw new Rejection(
        `${title()} is a nucleotide sequence (only A, C, G, T, U and N); a protein sequence is expected.`,
      );
    }
    const length = `${title()} has ${counted(residues, 'residue')}`;
    if (spec.minLength !== undefined && residues < spec.minLength)
      throw new Rejection(`${length}; at least ${spec.minLength} are needed.`);
    if (spec.maxLength !== undefined && residues > spec.maxLength)
      throw new Rejection(`${length}; at most ${spec.maxLength} are allowed.`);
    if (spec.aligned) {
      alignedLength ??= residues + gaps;
      if (residues + gaps !== alignedLength) {
        throw new Rejection(
          `${title()} has ${residues + gaps} columns, but the first has ${alignedLength}; in an alignment all are equally long.`,
        );
      }
    }
  };

  const refuseByte = (byte: number): Rejection => {
    const place = `Line ${line}, column ${column}`;
    if (sequences === 0)
      return new Rejection(`${place}: FASTA begins with a line such as ">name", but here is ${asText(byte)}.`);
    if ((KINDS[byte] ?? 0) & GAP)
      return new Rejection(`${place}: a gap (${asText(byte)}) is only allowed in an alignment.`);
    const what = spec.alphabet === 'any' ? 'sequence' : `${spec.alphabet} sequence`;
    return new Rejection(`${place}: ${asText(byte)} is no letter of a ${what}.`);
  };

  for await (const chunk of open() as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      if (byte === NEWLINE) {
        line += 1;
        column = 0;
        inHeader = false;
        continue;
      }
      column += 1;
      if (inHeader) {
        if (headerBytes < NAME_BYTES && byte !== RETURN) headerBytes = header.writeUInt8(byte, headerBytes);
        continue;
      }
      if (byte === HEADER && column === 1) {
        finishSequence();
        sequences += 1;
        if (spec.maxSequences !== undefined && sequences > spec.maxSequences) {
          throw new Rejection(
            `The file has more than ${counted(spec.maxSequences, 'sequence')}, which is the most that is allowed.`,
          );
        }
        inHeader = true;
        headerBytes = 0;
        residues = 0;
        gaps = 0;
        onlyPlainNucleotides = true;
        continue;
      }
      const kind = KINDS[byte] ?? 0;
      if (kind & BLANK) continue;
      if (sequences === 0) throw refuseByte(byte);
      if (kind & allowed) {
        residues += 1;
        if (!(kind & PLAIN_NUCLEOTIDE)) onlyPlainNucleotides = false;
      } else if (kind & GAP && spec.aligned) {
        gaps += 1;
      } else {
        throw refuseByte(byte);
      }
    }
  }
  finishSequence();
  const needed = Math.max(1, spec.minSequences ?? 1);
  if (sequences < needed)
    throw new Rejection(
      `The file has ${counted(sequences, 'sequence')}; at least ${needed} ${needed === 1 ? 'is' : 'are'} needed.`,
    );
};

function byteKinds(): Uint8Array {
  const kinds = new Uint8Array(256);
  const mark = (letters: string, kind: number): void => {
    for (const byte of Buffer.from(letters + letters.toLowerCase(), 'latin1')) kinds[byte] = (kinds[byte] ?? 0) | kind;
  };
  // With B, J, O, U, X, Z and the stop sign.
  mark('ABCDEFGHIJKLMNOPQRSTUVWXYZ*', PROTEIN);
  mark('ACGTUNRYSWKMBDHVI', NUCLEOTIDE);
  mark('ACGTUN', PLAIN_NUCLEOTIDE);
  mark('-.', GAP);
  mark(' \t\r', BLANK);
  return kinds;
}

function asText(byte: number): string {
  return byte > 0x20 && byte < 0x7f
    ? `"${String.fromCharCode(byte)}"`
    : `the byte 0x${byte.toString(16).padStart(2, '0')}`;
}
