import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { quote } from 'shell-quote';
import { parseArgv } from '../../src/formats/command';
import { splitWords } from '../../src/formats/words';

const ports = {
  inputs: [{ name: 'text' }],
  outputs: [{ name: 'counts' }],
  parameters: [{ name: 'min-length' }, { name: 'order' }],
  resources: ['CPUS', 'MEMORY', 'MEMORY_MB'] as const,
};

describe('a command line is split as a shell would', () => {
  it('quoted words come back as they were', () => {
    const word = fc.string({ unit: 'grapheme' }).filter((text) => !/[\p{Cc}]/u.test(text));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        expect(literals(quote(words))).toEqual(words);
      }),
      { numRuns: 300 },
    );
  });

  it('and agrees with the shell of this machine', () => {
    const lines = [
      `a  b\t c`,
      `"a b" 'c d' e\\ f`,
      `a'b'"c"d`,
      `'' ""`,
      `'$HOME' '\`x\`' "a'b" 'a"b'`,
      `"\\"quoted\\"" "back\\\\slash" "\\$HOME"`,
      `--flag="x y" -n\\'1`,
      `{print} a=b ~x [ab] %d,%s`,
      'one \\\n  two',
      `'*' "?" 'a#b' '|' '>' '&&' \\* \\| a#b`,
    ];
    for (const line of lines) {
      const words = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
        .split('\0')
        .slice(0, -1);
      expect(literals(line)).toEqual(words);
    }
  });

  it.each([
    ['$P1 is never a part of $P10', '$P10', ['P10']],
    ['a macro inside a word', 'a$I1.b', ['"a"', 'I1', '".b"']],
    ['a macro in double quotes', '"$I1 x"', ['I1', '" x"']],
    ['a macro in single quotes is text', "'$I1'", ['"$I1"']],
    ['an escaped macro is text', '\\$I1', ['"$I1"']],
    ['a name in braces', '${min-length}s', ['min-length', '"s"']],
    ['a dollar sign alone', 'cost$', ['"cost$"']],
  ])('%s', (_, line, parts) => {
    const split = splitWords(line);
    expect(
      split.ok && split.words[0]?.map((part) => ('macro' in part ? part.macro : JSON.stringify(part.text))),
    ).toEqual(parts);
  });
});

describe('macros become parts of the command', () => {
  it.each([
    ['$I1', { kind: 'input', port: 'text' }],
    ['$O1', { kind: 'output', port: 'counts' }],
    ['$P1', { kind: 'parameter', name: 'min-length' }],
    ['$P2', { kind: 'parameter', name: 'order' }],
    ['$VALUE', { kind: 'value', name: 'min-length' }],
    ['$VALUE2', { kind: 'value', name: 'order' }],
    ['$ID', { kind: 'id' }],
    ['$TMP', { kind: 'tmp' }],
    ['$CPUS', { kind: 'resource', name: 'CPUS' }],
    ['${MEMORY_MB}', { kind: 'resource', name: 'MEMORY_MB' }],
    ['${min-length}', { kind: 'parameter', name: 'min-length' }],
    ['$text', { kind: 'input', port: 'text' }],
  ])('%s', (macro, part) => {
    for (const written of [`echo ${macro}`, ['echo', macro]]) {
      const parsed = parseArgv(written, ports);
      expect(parsed.ok && parsed.command.kind === 'argv' && parsed.command.argv[1]?.parts).toEqual([part]);
    }
  });

  it('in a list of words all else is plain text', () => {
    const words = ['awk', '{print $1 * 2 > "x"}', '$$NF', 'a b', ''];
    const parsed = parseArgv(words, ports);
    const texts = parsed.ok && parsed.command.kind === 'argv' ? parsed.command.argv.map(({ parts }) => parts) : [];
    expect(texts).toEqual(words.map((text) => [{ kind: 'literal', text: text.replace('$$', '$') }]));
  });
});

function literals(line: string): string[] {
  const split = splitWords(line);
  if (!split.ok) throw new Error(`${split.message}: ${line}`);
  return split.words.map((word) => word.map((part) => ('text' in part ? part.text : `<${part.macro}>`)).join(''));
}
