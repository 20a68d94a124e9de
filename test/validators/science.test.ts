import { deflateSync } from 'node:zlib';
import { createBench } from './support';

const bench = createBench();
const { check } = bench;
afterAll(() => bench.remove());

const protein = (length: number): string => 'MKVLAAGIVGLCAKQWERTYIPASDFGHKL'.repeat(60).slice(0, length);

describe('fasta', () => {
  const any = { kind: 'fasta', alphabet: 'any', aligned: false } as const;
  const chain = { kind: 'fasta', alphabet: 'protein', aligned: false, minLength: 30, maxLength: 1500 } as const;

  it('accepts sequences over several lines, in either case', async () => {
    expect(await check(any, '>one\nACGT\nacgt\r\n\n>two and more\nMKV*\n')).toBeNull();
    expect(await check({ ...any, alphabet: 'nucleotide' }, '>one\nACGTRYN')).toBeNull();
    expect(await check(chain, `>p\n${protein(30)}\n`)).toBeNull();
    expect(await check(chain, `>p\n${protein(1500)}\n`)).toBeNull();
  });

  it.each([
    ['a short protein', `>p\n${protein(29)}\n`, 'Sequence 1 ("p") has 29 residues; at least 30 are needed.'],
    ['a long protein', `>p\n${protein(1501)}\n`, 'Sequence 1 ("p") has 1501 residues; at most 1500 are allowed.'],
    [
      'a nucleotide sequence where a protein is wanted',
      `>ok\n${protein(40)}\n>gene 7\n${'ACGTN'.repeat(10)}\n`,
      'Sequence 2 ("gene 7") is a nucleotide sequence (only A, C, G, T, U and N); a protein sequence is expected.',
    ],
    ['a foreign letter', `>p\n${protein(40)}\nMK1\n`, 'Line 3, column 3: "1" is no letter of a protein sequence.'],
    ['a gap', `>p\n${protein(40)}-\n`, 'Line 2, column 41: a gap ("-") is only allowed in an alignment.'],
    ['a missing header', protein(40), 'Line 1, column 1: FASTA begins with a line such as ">name", but here is "M".'],
    ['an empty sequence', `>p\n>q\n${protein(40)}`, 'Sequence 1 ("p") is empty.'],
    ['nothing', '', 'The file has 0 sequences; at least 1 is needed.'],
  ])('names %s', async (_what, content, reason) => {
    expect(await check(chain, content)).toBe(reason);
  });

  it('names a protein where nucleotides are wanted', async () => {
    expect(await check({ ...any, alphabet: 'nucleotide' }, '>x\nACGL\n')).toBe(
      'Line 2, column 4: "L" is no letter of a nucleotide sequence.',
    );
  });

  it('wants equal lengths in an alignment, and allows gaps there', async () => {
    const alignment = { ...any, aligned: true } as const;
    expect(await check(alignment, '>a\nAC-GT\n>b\nACC.T\n')).toBeNull();
    expect(await check(alignment, '>a\nAC-GT\n>b\nACCT\n')).toBe(
      'Sequence 2 ("b") has 4 columns, but the first has 5; in an alignment all are equally long.',
    );
  });

  it('counts sequences', async () => {
    const two = { ...any, minSequences: 2, maxSequences: 2 } as const;
    expect(await check(two, '>a\nAC\n>b\nAC\n')).toBeNull();
    expect(await check(two, '>a\nAC\n')).toBe('The file has 1 sequence; at least 2 are needed.');
    expect(await check(two, '>a\nA\n>b\nA\n>c\nA\n')).toBe(
      'The file has more than 2 sequences, which is the most that is allowed.',
    );
  });

  it('takes a sequence of any length on one line', async () => {
    expect(await check({ ...any, alphabet: 'nucleotide' }, `>chromosome\n${'ACGT'.repeat(2_000_000)}\n`)).toBeNull();
  });
});

describe('pdb', () => {
  const spec = { kind: 'pdb' } as const;
  const atom = 'ATOM      1  N   THR A   1      17.047  14.099   3.625  1.00 13.79           N  ';

  it('accepts a structure', async () => {
    expect(
      await check(spec, `HEADER    PLANT PROTEIN                           30-APR-81   1CRN\n${atom}\nTER\nEND\n`),
    ).toBeNull();
    expect(await check(spec, `${atom.slice(0, 54)}\n`)).toBeNull();
    expect(await check(spec, `${atom.replace('    1  N', 'A0000  N')}\n`)).toBeNull();
  });

  it.each([
    ['an unknown record', `HELLO\n${atom}\n`, 'Line 1 begins with "HELLO", which is no record type of the PDB format.'],
    [
      'a coordinate that is no number',
      `${atom}\n${atom.replace('14.099', '14.O99')}\n`,
      'Line 2, columns 39 to 46: y must be a number, but is "  14.O99".',
    ],
    ['a short line', atom.slice(0, 40), 'Line 1, columns 39 to 46: y must be a number, but is "  ".'],
    [
      'a residue number that is none',
      atom.replace('A   1 ', 'A  x1 '),
      'Line 1, columns 23 to 26: the residue number must be a whole number, but is "  x1".',
    ],
    [
      'a file without atoms',
      'HEADER    X\nEND\n',
      'The file has no ATOM or HETATM record, so it describes no structure.',
    ],
  ])('names %s', async (_what, content, reason) => {
    expect(await check(spec, content)).toBe(reason);
  });
});

describe('images', () => {
  const chunk = (type: string, data: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(data.length, 0);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, data, Buffer.alloc(4)]);
  };
  const size = (width: number): Buffer => Buffer.from([0, 0, 0, width, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const PNG_START = Buffer.from('89504e470d0a1a0a', 'hex');
  const IDAT = chunk('IDAT', deflateSync(Buffer.from([0, 255])));
  const IEND = chunk('IEND', Buffer.alloc(0));
  const png = Buffer.concat([PNG_START, chunk('IHDR', size(1)), IDAT, IEND]);
  const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
  const jpeg = Buffer.from(
    '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////' +
      'wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
    'base64',
  );
  const jpegWhole = Buffer.concat([jpeg, Buffer.from([0xff, 0x00, 0x12, 0xff, 0xd0, 0x34, 0xff, 0xd9])]);

  it('accepts whole ones', async () => {
    expect(await check({ kind: 'png' }, png)).toBeNull();
    expect(await check({ kind: 'gif' }, gif)).toBeNull();
    expect(await check({ kind: 'jpeg' }, jpegWhole)).toBeNull();
  });

  it.each([
    ['png', png, 'The PNG image is truncated: the file ends before its end chunk. Send it again.'],
    ['gif', gif, 'The GIF image is truncated: the file ends before its trailer. Send it again.'],
    ['jpeg', jpegWhole, 'The JPEG image is truncated: the file ends before its end marker. Send it again.'],
  ] as const)('names a truncated %s, wherever it is cut', async (kind, whole, reason) => {
    for (let length = kind === 'png' ? 1 : 6; length < whole.length; length += 1) {
      expect(await check({ kind }, whole.subarray(0, length))).toBe(reason);
    }
  });

  it.each([
    ['png', 'The file is not a PNG image: it does not begin with the PNG signature.'],
    ['gif', 'The file is not a GIF image: it does not begin with GIF87a or GIF89a.'],
    ['jpeg', 'The file is not a JPEG image: it does not begin with the JPEG start marker.'],
  ] as const)('names what is no %s at all', async (kind, reason) => {
    expect(await check({ kind }, 'hello, world')).toBe(reason);
    expect(await check({ kind }, '')).toBe(reason);
  });

  it('names damage', async () => {
    expect(await check({ kind: 'png' }, Buffer.concat([PNG_START, IDAT, IEND]))).toContain(
      'its header chunk is not the first',
    );
    expect(await check({ kind: 'png' }, Buffer.concat([PNG_START, chunk('IHDR', size(0)), IDAT, IEND]))).toContain(
      'no width or no height',
    );
    expect(await check({ kind: 'png' }, Buffer.concat([PNG_START, chunk('IHDR', size(1)), IEND]))).toContain(
      'no image data',
    );
    expect(await check({ kind: 'gif' }, Buffer.concat([gif.subarray(0, 19), Buffer.from([0x3b])]))).toContain(
      'ends without an image',
    );
    expect(await check({ kind: 'gif' }, Buffer.concat([gif.subarray(0, 19), Buffer.from([0x99])]))).toContain(
      'the unknown byte 0x99',
    );
    expect(await check({ kind: 'jpeg' }, Buffer.from('ffd8ffd9', 'hex'))).toContain('ends without an image');
    expect(await check({ kind: 'jpeg' }, Buffer.from('ffd8ffe0000201', 'hex'))).toContain(
      'does not begin with a marker',
    );
  });
});
