import { eachLine } from './textLines';
import { Rejection, shown, type SpecOf, type Validator } from './validator';

/** The record types of the PDB format, version 3.3, and those of older files. */
const RECORDS: ReadonlySet<string> = new Set(
  (
    'HEADER OBSLTE TITLE SPLIT CAVEAT COMPND SOURCE KEYWDS EXPDTA NUMMDL MDLTYP AUTHOR REVDAT SPRSDE JRNL REMARK DBREF DBREF1 ' +
    'DBREF2 SEQADV SEQRES MODRES HET HETNAM HETSYN FORMUL HELIX SHEET TURN SSBOND LINK CISPEP SITE CRYST1 ORIGX1 ORIGX2 ' +
    'ORIGX3 SCALE1 SCALE2 SCALE3 MTRIX1 MTRIX2 MTRIX3 TVECT MODEL ATOM ANISOU TER HETATM ENDMDL CONECT MASTER END FTNOTE ' +
    'HYDBND SLTBRG SIGATM SIGUIJ USER'
  ).split(' '),
);

interface Column {
  readonly name: string;
  /** As the format counts: from 1, the last included. */
  readonly from: number;
  readonly to: number;
  readonly pattern: RegExp;
  readonly expected: string;
}

const DECIMAL = /^ *[+-]?\d+(\.\d*)? *$|^ *[+-]?\.\d+ *$/;
const COLUMNS: readonly Column[] = [
  // Above 99999 atoms, programs write letters or stars.
  {
    name: 'the serial number',
    from: 7,
    to: 11,
    pattern: /^ *(-?\d+|[A-Za-z0-9]{5}|\*{5}) *$/,
    expected: 'a whole number',
  },
  {
    name: 'the residue number',
    from: 23,
    to: 26,
    pattern: /^ *(-?\d+|[A-Za-z0-9]{4}|\*{4}) *$/,
    expected: 'a whole number',
  },
  { name: 'x', from: 31, to: 38, pattern: DECIMAL, expected: 'a number' },
  { name: 'y', from: 39, to: 46, pattern: DECIMAL, expected: 'a number' },
  { name: 'z', from: 47, to: 54, pattern: DECIMAL, expected: 'a number' },
  { name: 'the occupancy', from: 55, to: 60, pattern: /^ *$|^ *[+-]?\d*\.?\d* *$/, expected: 'a number' },
  { name: 'the temperature factor', from: 61, to: 66, pattern: /^ *$|^ *[+-]?\d*\.?\d* *$/, expected: 'a number' },
];

/** A structure in the PDB format: known record types, at least one atom, and numbers in the numeric columns of atoms. */
export const pdb: Validator<SpecOf<'pdb'>> = async (_spec, { open }) => {
  let atoms = 0;
  await eachLine(open(), (line, number) => {
    if (line.trim() === '') return;
    const record = line.slice(0, 6).trimEnd();
    if (!RECORDS.has(record)) {
      throw new Rejection(`Line ${number} begins with ${shown(record)}, which is no record type of the PDB format.`);
    }
    if (record !== 'ATOM' && record !== 'HETATM') return;
    atoms += 1;
    for (const { name, from, to, pattern, expected } of COLUMNS) {
      const cell = line.slice(from - 1, to);
      if (pattern.test(cell)) continue;
      throw new Rejection(
        `Line ${number}, columns ${from} to ${to}: ${name} must be ${expected}, but is ${shown(cell)}.`,
      );
    }
  });
  if (atoms === 0) throw new Rejection('The file has no ATOM or HETATM record, so it describes no structure.');
};
