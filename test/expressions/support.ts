import type { Expression } from '../../src/domain/expression';
import { parseExpression } from '../../src/domain/parseExpression';

export const MIB = 2 ** 20;

/** The expression that is written so; throws what is wrong with it. */
export function read(text: string): Expression {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem.message}`);
  return parsed.expression;
}
