import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExpressionContext } from '../../src/domain/expression';
import { MAX_EXPRESSION_LENGTH, parseExpression } from '../../src/domain/parseExpression';
import { readSettings } from '../../src/config/settings';
import { createSandbox } from '../../src/expressions/sandbox';
import { MIB, read } from './support';

const page = readFileSync(path.join(__dirname, '../../docs/expressions.md'), 'utf8');
const context = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as ExpressionContext;
const settings = readSettings({});
const sandbox = createSandbox({
  limits: {
    ms: settings.expressionMs,
    memoryBytes: settings.expressionMemoryBytes,
    resultCharacters: settings.expressionResultCharacters,
  },
});
afterAll(() => sandbox.close());

/** The rows of the tables with two columns of code: what is written, and what comes of it. */
const examples = [...page.matchAll(/^\| `([^`]+)` +\| `([^`]+)` +\|$/gm)].map(
  ([, written = '', value = '']) => [written, value] as const,
);

test('the page has examples', () => expect(examples.length).toBeGreaterThan(12));

test.each(examples)('%s gives what the page says', async (written, value) => {
  expect(JSON.stringify(await sandbox.evaluate(read(written), context))).toBe(value);
});

test('the limits of the page are those of the settings', () => {
  const told = (what: string): string => new RegExp(`^\\| ${what} +\\| ([\\d,]+)`, 'm').exec(page)?.[1] ?? '';
  const shown = (value: number): string => value.toLocaleString('en');
  expect(told('time of one evaluation')).toBe(shown(settings.expressionMs));
  expect(told('memory of one evaluation')).toBe(shown(settings.expressionMemoryBytes / MIB));
  expect(told('result as JSON')).toBe(shown(settings.expressionResultCharacters));
  expect(told('a written expression')).toBe(shown(MAX_EXPRESSION_LENGTH));
});

test('each message of the page is told', async () => {
  const blocks = [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)]
    .filter(([, language]) => language === '')
    .map(([, , body = '']) => body.trim().split('\n'));
  const reading = ['$(input.a)', '$(inputs.a', '${ inputs.a; }'].map((text) => {
    const parsed = parseExpression(text);
    return parsed.ok ? 'read' : parsed.problem.message;
  });
  const evaluating = ['$(inputs.a.size > 1)', '$({ limits: [NaN] })', '${ for (;;); return 1; }'].map(async (text) => {
    const parsed = parseExpression(text);
    if (!parsed.ok) throw new Error(parsed.problem.message);
    return sandbox.evaluate(parsed.expression, context).then(String, (error: Error) => error.message);
  });
  expect(blocks).toEqual([reading, await Promise.all(evaluating)]);
});
