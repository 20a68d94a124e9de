/** Expressions: references in this thread, and scripts in the sandbox, one after the other and as a batch. */
import { evaluatePlain, isPlain, type Expression, type ExpressionContext } from '../src/domain/expression';
import { parseExpression } from '../src/domain/parseExpression';
import { readSettings } from '../src/config/settings';
import { createSandbox } from '../src/expressions/sandbox';
import type { Bench, Row } from './support';

const REFERENCES = 1_000_000;
const SCRIPTS = 1_000;
const BATCH = 10_000;
const QUICK_PART = 0.1;

export const expressions: Bench = {
  name: 'expressions',
  run: async ({ quick }) => {
    const part = quick ? QUICK_PART : 1;
    const settings = readSettings({});
    const limits = {
      ms: settings.expressionMs,
      memoryBytes: settings.expressionMemoryBytes,
      resultCharacters: settings.expressionResultCharacters,
    };
    const sandbox = createSandbox({ limits });
    const script = read('$(inputs.reads.size * 2 + inputs.index)');
    const reference = read('$(inputs.reads.size)');
    if (!isPlain(reference)) throw new Error('A reference that is a script.');
    try {
      await sandbox.evaluate(script, contextOf(0));
      const context = contextOf(1);
      const plain = await rate(REFERENCES * part, async (count) => {
        for (let index = 0; index < count; index += 1) evaluatePlain(reference, context, limits.resultCharacters);
      });
      const single = await rate(SCRIPTS * part, async (count) => {
        for (let index = 0; index < count; index += 1) await sandbox.evaluate(script, contextOf(index));
      });
      const batch = await rate(BATCH * part, async (count) => {
        const contexts = Array.from({ length: count }, (_, index) => contextOf(index));
        const failed = (await sandbox.evaluateAll(script, contexts)).find(({ ok }) => !ok);
        if (failed && !failed.ok) throw failed.error;
      });
      return [
        told('references in expressions', plain),
        told('scripts, each in a fresh sandbox, one after the other', single),
        told('scripts, each in a fresh sandbox, as a batch', batch),
      ];
    } finally {
      await sandbox.close();
    }
  },
};

function read(text: string): Expression {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.expression;
}

function contextOf(index: number): ExpressionContext {
  const reads = { class: 'File', name: 'reads.fastq', sha256: 'ab'.repeat(32), size: 1234, mediaType: 'text/plain' };
  return { inputs: { reads, index, label: `sample ${index}` } };
}

async function rate(
  count: number,
  work: (count: number) => Promise<void>,
): Promise<{ count: number; perSecond: number }> {
  const begin = performance.now();
  await work(count);
  return { count, perSecond: (count / (performance.now() - begin)) * 1000 };
}

function told(what: string, { count, perSecond }: { count: number; perSecond: number }): Row {
  const figure = `${Math.round(perSecond).toLocaleString('en')} /s`;
  return { what, figure, reach: 'told', met: null, detail: `${count.toLocaleString('en')} evaluations` };
}
