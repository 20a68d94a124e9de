/** How an expression is written: text with `$(…)` or `${…}` in it; a bare number or boolean is itself. */
import { z } from 'zod';
import type { Expression } from '../../domain/expression';
import { parseExpression } from '../../domain/parseExpression';

export const expressionForm: z.ZodType<Expression> = z
  .union([z.string(), z.number(), z.boolean()])
  .transform((written, context): Expression => {
    if (typeof written !== 'string') return { kind: 'literal', value: written };
    const parsed = parseExpression(written);
    if (parsed.ok) return parsed.expression;
    const hint = `Look at character ${parsed.problem.offset + 1}.`;
    context.addIssue({ code: 'custom', message: parsed.problem.message, params: { hint } });
    return z.NEVER;
  });
