import { missingSecondaryFiles, parseSecondaryFile, secondaryName } from '../../src/domain/secondaryFiles';
import { checkValue } from '../../src/domain/typing';
import { filesIn, mainFilesIn, mapFiles, scalar, type FileValue } from '../../src/domain/values';

const file = (name: string, secondaryFiles?: FileValue[]): FileValue => ({
  class: 'File',
  name,
  sha256: 'a'.repeat(64),
  size: 1,
  mediaType: 'text/plain',
  ...(secondaryFiles ? { secondaryFiles } : {}),
});

describe('the pattern of a secondary file', () => {
  it.each([
    ['x.fa', '.fai', 'x.fa.fai'],
    ['x.fa', '^.dict', 'x.dict'],
    ['x.tar.gz', '^^.md5', 'x.md5'],
    ['x.fa', '^^^.dict', 'x.dict'],
    ['plain', '^.idx', 'plain.idx'],
    ['.hidden', '^.idx', '.hidden.idx'],
    ['x.bam', '-index', 'x.bam-index'],
  ])('of %s with %s names %s', (name, pattern, expected) => {
    expect(secondaryName(name, pattern)).toBe(expected);
  });
  it('has a question mark behind it when the file may be missing', () => {
    expect(parseSecondaryFile('^.bai?')).toEqual({ pattern: '^.bai', required: false });
    expect(parseSecondaryFile('.fai')).toEqual({ pattern: '.fai', required: true });
  });
  it.each(['', '?', '^', '../x', 'a/b', '.', '.a^b', '.x\0'])('is refused when it can name no file: %p', (written) => {
    expect(parseSecondaryFile(written)).toBeNull();
  });
});

test('what must be beside a file and is not is named', () => {
  const expected = ['.bai', '^.dict', '.csi?'].flatMap((written) => parseSecondaryFile(written) ?? []);
  expect(missingSecondaryFiles(file('x.bam'), expected)).toEqual(['x.bam.bai', 'x.dict']);
  expect(missingSecondaryFiles(file('x.bam', [file('x.bam.bai'), file('x.dict')]), expected)).toEqual([]);
});

test('secondary files are among all files of a value, and not among its main ones', () => {
  const value = {
    list: [file('a', [file('a.idx')])],
    folder: { class: 'Directory' as const, name: 'd', entries: [file('b')] },
  };
  expect(filesIn(value).map(({ name }) => name)).toEqual(['a', 'a.idx', 'b']);
  expect(mainFilesIn(value).map(({ name }) => name)).toEqual(['a', 'b']);
  expect(filesIn(mapFiles(value, (one) => ({ ...one, format: 'csv' }))).map(({ format }) => format)).toEqual([
    'csv',
    undefined,
    undefined,
  ]);
});

test('a file is no File value when what is beside it is none, or has its name', () => {
  const reasons = (value: unknown): string[] => checkValue(scalar('File'), {}, value);
  expect(reasons(file('a', [file('a.idx')]))).toEqual([]);
  expect(reasons(file('a', [file('a')]))).toEqual(["two files beside 'a' have one name"]);
  expect(reasons(file('a', [file('../b')]))).toHaveLength(1);
  expect(reasons({ ...file('a'), secondaryFiles: ['b'] })).toHaveLength(1);
  expect(reasons({ ...file('a'), format: 3 })).toHaveLength(1);
});
