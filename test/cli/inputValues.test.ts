import { readInputs, readMatrix } from '../../src/cli/inputValues';

const ports = [
  ['n', 'int?'],
  ['words', 'string[]'],
  ['matrix', 'int[][]'],
  ['any', '(int | string)'],
  ['text', 'string'],
  ['on', 'boolean'],
  ['point', 'record(x: int)'],
].map(([name = '', type = '']) => ({ name, type, default: null }));

const read = (...words: string[]): Promise<unknown> => readInputs('job', ports, words);

test('values take the form of their type', async () => {
  expect(await read('n=12', 'text=12', 'on=false', 'any=12')).toEqual({ n: 12, text: '12', on: false, any: 12 });
  expect(await read('n=null', 'text=null', 'any=twelve')).toEqual({ n: null, text: 'null', any: 'twelve' });
  expect(await read('point={"x":1}', 'text=a=b')).toEqual({ point: { x: 1 }, text: 'a=b' });
});

test('lists come by repeating or as JSON', async () => {
  expect(await read('words=a', 'words=b c')).toEqual({ words: ['a', 'b c'] });
  expect(await read('words=["a","b"]', 'matrix=[[1,2],[3]]')).toEqual({ words: ['a', 'b'], matrix: [[1, 2], [3]] });
  expect(await read('words=[')).toEqual({ words: ['['] });
});

test('what cannot be read is told, all of it at once', async () => {
  await expect(read('n=x', 'on=1', 'text=a', 'text=b', 'point=x', '=3', 'zz=1')).rejects.toMatchObject({
    exitCode: 2,
    lines: [
      '--input =3: write it as NAME=VALUE.',
      expect.stringContaining('job has no input zz.'),
      'n: "x" is no int.',
      'on: "1" is neither true nor false.',
      'text: it takes one string, and 2 were given.',
      'point: a record(x: int) is written as JSON, and "x" is none.',
    ],
  });
});

test('a matrix has a list of values for each input, by commas, by repeating or as JSON', async () => {
  const matrix = (...words: string[]): Promise<unknown> => readMatrix('job', ports, words);
  expect(await matrix('n=1,2', 'n=3', 'text=a,b c', 'on=true')).toEqual({
    n: [1, 2, 3],
    text: ['a', 'b c'],
    on: [true],
  });
  expect(await matrix('text=["a,b"]', 'words=x,y')).toEqual({ text: ['a,b'], words: [['x'], ['y']] });
  await expect(matrix('n=1,x', 'nope=1')).rejects.toMatchObject({
    lines: [expect.stringContaining('--matrix nope=1: job has no input nope.'), 'n: "x" is no int.'],
  });
});
