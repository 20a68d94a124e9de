import type { Link } from '../../src/domain/definitions';
import { scalar, type ValueType } from '../../src/domain/values';
import { job } from './support';

export const TEXTS: ValueType = { kind: 'array', items: scalar('string') };
export const input = (name: string): Link => ({ kind: 'input', input: name });

/** `outer` runs `inner` for each of its `texts`. */
export const NESTED = [
  job('inner', { p: { links: { x: input('x') } }, q: { after: ['p'] } }, 'q', { x: scalar('string') }),
  job(
    'outer',
    { many: { job: 'inner', links: { x: input('texts') }, scatter: ['x'] }, end: { after: ['many'] } },
    undefined,
    { texts: TEXTS },
  ),
];
