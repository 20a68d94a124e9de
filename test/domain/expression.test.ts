import { evaluatePlain, isPlain, type ExpressionContext } from '../../src/domain/expression';
import { parseExpression } from '../../src/domain/parseExpression';
import type { FileValue, Value } from '../../src/domain/values';

const file = (name: string): FileValue => ({
  class: 'File',
  name,
  sha256: 'ab'.repeat(32),
  size: 12,
  mediaType: 'text/plain',
});
const context: ExpressionContext = {
  inputs: { reads: file('sample.tar.gz'), list: ['a', 'b'], n: 7, flag: false, nothing: null, 'a b': [{ name: 'x' }] },
  self: { deep: { value: 'here' } },
};

function value(text: string, maxCharacters = 1000): Value {
  const parsed = parseExpression(text);
  if (!parsed.ok || !isPlain(parsed.expression)) throw new Error(`'${text}' is not plain.`);
  return evaluatePlain(parsed.expression, context, maxCharacters);
}

describe('expressions without scripts', () => {
  test.each<[string, Value]>([
    ['$(inputs.n)', 7],
    ['$(inputs.flag)', false],
    ['$(inputs["a b"][0].name)', 'x'],
    ['$(self.deep.value)', 'here'],
    ['$(inputs.list.length)', 2],
    ['$(inputs.list)', ['a', 'b']],
    ['$(inputs.reads)', file('sample.tar.gz')],
    ['$(inputs.reads.size)', 12],
    ['$(inputs.reads.basename)', 'sample.tar.gz'],
    ['$(inputs.reads.nameroot)', 'sample.tar'],
    ['$(inputs.reads.nameext)', '.gz'],
    ['$(inputs.reads.name.length)', 13],
    ['text', 'text'],
  ])('%s has the value that stands there', (text, expected) => expect(value(text)).toEqual(expected));

  test.each([
    '$(inputs.missing)',
    '$(inputs.missing.deeper[3].still)',
    '$(inputs.nothing.field)',
    '$(inputs.n.field)',
    '$(inputs.list[2])',
    '$(inputs.list.push)',
    '$(inputs.constructor)',
    '$(inputs.__proto__)',
    '$(step.anything)',
    '$(runtime)',
  ])('%s is null: it is not there', (text) => expect(value(text)).toBeNull());

  it('in a text, a string stands as it is, and everything else as JSON', () => {
    expect(value('$(inputs.list[0])/$(inputs.n)/$(inputs.flag)/$(inputs.list)/$(inputs.missing)')).toBe(
      'a/7/false/["a","b"]/null',
    );
  });

  it('the name of a hidden file has no extension', () => {
    const hidden: ExpressionContext = { inputs: { f: file('.profile') } };
    const parts = ['nameroot', 'nameext'].map((name) =>
      evaluatePlain({ kind: 'reference', path: ['inputs', 'f', name] }, hidden, 100),
    );
    expect(parts).toEqual(['.profile', '']);
  });

  it('a text that grows too large is refused', () => {
    expect(value('$(inputs.list)$(inputs.list)', 18)).toHaveLength(18);
    expect(() => value('$(inputs.list)$(inputs.list)', 17)).toThrow('more than 17 characters');
  });
});
