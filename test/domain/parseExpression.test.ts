import fc from 'fast-check';
import { isPlain, referencesIn, scriptsIn, type Expression } from '../../src/domain/expression';
import { MAX_EXPRESSION_LENGTH, parseExpression } from '../../src/domain/parseExpression';

function read(text: string): Expression {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem.message}`);
  return parsed.expression;
}

function problem(text: string): { message: string; offset: number } {
  const parsed = parseExpression(text);
  if (parsed.ok) throw new Error(`'${text}' was read.`);
  return parsed.problem;
}

const script = (source: string): Expression => ({ kind: 'script', form: 'expression', source });

describe('written expressions', () => {
  test.each(['', 'plain text', '$5', 'a $ b', '$ (x)', 'C:\\dir'])(
    'text without brackets behind a dollar sign is a literal: %j',
    (text) => expect(read(text)).toEqual({ kind: 'literal', value: text }),
  );

  test.each([
    ['$(inputs)', ['inputs']],
    ['$(inputs.reads.size)', ['inputs', 'reads', 'size']],
    [' $( inputs.reads ) \n', ['inputs', 'reads']],
    ['$(inputs["a b"][0].name)', ['inputs', 'a b', 0, 'name']],
    [`$(inputs['it\\'s'])`, ['inputs', "it's"]],
    ['$(inputs["a)b"])', ['inputs', 'a)b']],
    ['$(self[12])', ['self', 12]],
    ['$(inputs.größe)', ['inputs', 'größe']],
    ['$(inputs.files.length)', ['inputs', 'files', 'length']],
  ])('%s is a reference', (text, path) => expect(read(text)).toEqual({ kind: 'reference', path }));

  test.each([
    'inputs.n * 2',
    'inputs.name.toUpperCase()',
    'Math.PI',
    'null',
    '(1 + 2) * inputs.n',
    '"a ) b"',
    "'it\\'s )'",
    '`a ${inputs.n + ")"} )`',
    'inputs.a /* ) */ + 1',
    'inputs.a // )\n + 1',
    '/[)]+/.test(inputs.a)',
    'inputs.a.replace(/\\)/g, "")',
    'inputs.a / 2 + inputs.b / 3',
    '({ a: [1, { b: 2 }] })',
  ])('other JavaScript is a script, up to the bracket that closes it: %s', (source) => {
    expect(read(`$(${source})`)).toEqual(script(source));
    expect(read(`<$(${source})>`)).toEqual({ kind: 'template', parts: ['<', script(source), '>'] });
  });

  it('braces are the body of a function', () => {
    const source = ' if (inputs.n > 1) { return "many"; } return "}"; ';
    expect(read(`\${${source}}`)).toEqual({ kind: 'script', form: 'body', source });
  });

  it('text with expressions in it, or several of them, is a template', () => {
    const expression = read('$(inputs.a)-$(inputs.n + 1) of $(inputs.b)');
    expect(expression).toEqual({
      kind: 'template',
      parts: [
        { kind: 'reference', path: ['inputs', 'a'] },
        '-',
        script('inputs.n + 1'),
        ' of ',
        { kind: 'reference', path: ['inputs', 'b'] },
      ],
    });
    expect(referencesIn(expression).map(({ path }) => path[1])).toEqual(['a', 'b']);
    expect(scriptsIn(expression).map(({ source }) => source)).toEqual(['inputs.n + 1']);
    expect(isPlain(expression)).toBe(false);
    expect(isPlain(read('$(inputs.a) and $(inputs.b)'))).toBe(true);
  });

  it('a backslash makes the brackets text, and two make one backslash before a value', () => {
    expect(read('costs \\$(5)')).toEqual({ kind: 'literal', value: 'costs $(5)' });
    expect(read('\\${HOME}')).toEqual({ kind: 'literal', value: '${HOME}' });
    expect(read('\\\\$(self)')).toEqual({ kind: 'template', parts: ['\\', { kind: 'reference', path: ['self'] }] });
    expect(read('\\\\\\$(self)')).toEqual({ kind: 'literal', value: '\\$(self)' });
  });

  test.each([
    ['a $(inputs.b', 2, `'$(' is never closed. Add the ')' that belongs to it, or write '\\$(' for plain text.`],
    ['$()', 0, `'$()' is empty. Name a value, such as '$(inputs.text)'.`],
    ['${ }', 0, `'\${}' is empty. Write a function body, such as '\${ return inputs.text; }'.`],
    [
      '${ inputs.a }',
      2,
      `'\${…}' is a function body, and this one returns nothing. Add a 'return', or write '$(…)' around a single expression.`,
    ],
    [
      'x $( input.a )',
      5,
      `There is no 'input' in an expression. Known are 'inputs', 'self', 'step', 'runtime', and the inputs by their names: '$(inputs.input)'.`,
    ],
    ['$("abc)', 2, `'"' is never closed. Inside of '$(', brackets and quotes come in pairs.`],
    ['$([1, 2)', 7, `')' stands where ']' is expected. Inside of '$(', brackets and quotes come in pairs.`],
    ['$(`${ 1 )', 8, `')' stands where '}' is expected. Inside of '$(', brackets and quotes come in pairs.`],
    ['$(`abc)', 2, "'`' is never closed. Inside of '$(', brackets and quotes come in pairs."],
  ])('%s is refused, with its place and the remedy', (text, offset, message) => {
    expect(problem(text)).toEqual({ message, offset });
  });

  it('an expression that is too long is refused', () => {
    expect(problem('x'.repeat(MAX_EXPRESSION_LENGTH + 1)).message).toContain('at most 65536');
  });

  it('whatever the text, it is read or refused, and text without a dollar sign stays as it is', () => {
    const pieces = fc.constantFrom(
      '$(',
      '${',
      ')',
      '}',
      '\\',
      '"',
      "'",
      '`',
      '/',
      'inputs',
      '.a',
      '[0]',
      ' ',
      '\n',
      'x',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        const text = parts.join('');
        const parsed = parseExpression(text);
        if (!parsed.ok) expect(parsed.problem.offset).toBeLessThanOrEqual(text.length);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('$'));
        expect(read(text)).toEqual({ kind: 'literal', value: text });
      }),
    );
  });

  test.each(['\\', '$(', '$(`${', '`', '/', '"', '$("', '$(inputs[', '$(/*'])(
    'a long run of %j is read or refused all the same',
    (piece) => {
      const parsed = parseExpression(piece.repeat(Math.floor(MAX_EXPRESSION_LENGTH / piece.length)));
      expect(typeof parsed.ok).toBe('boolean');
    },
  );
});
