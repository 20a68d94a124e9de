import { readInputs } from '../../src/cli/inputValues';

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
