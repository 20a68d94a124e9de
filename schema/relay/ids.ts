/** Opaque ids: the type's name and the row's key, so that `node(id:)` finds anything. */
import { StepcastError } from '../../src/domain/errors';

export type NodeType =
  | 'Submission'
  | 'StepRun'
  | 'Batch'
  | 'Job'
  | 'Task'
  | 'Backend'
  | 'Resource'
  | 'Artifact'
  | 'Upload'
  | 'Worker'
  | 'Schedule'
  | 'Trigger'
  | 'Firing';

export function toId(type: NodeType, key: string): string {
  return Buffer.from(`${type}:${key}`).toString('base64url');
}

/** The type and key of an id; null when it is none of ours. */
export function parseId(id: string): { readonly type: string; readonly key: string } | null {
  const match = /^([A-Za-z]+):([A-Za-z0-9_-]{1,200})$/.exec(Buffer.from(id, 'base64url').toString('utf8'));
  return match?.[1] !== undefined && match[2] !== undefined ? { type: match[1], key: match[2] } : null;
}

/** The key behind an id of the given type. NOT_FOUND otherwise: an id that cannot be is one that does not exist. */
export function fromId(type: NodeType, id: string): string {
  const parsed = parseId(id);
  const wellFormed = parsed?.type === type && (!NUMERIC.has(type) || /^\d{1,18}$/.test(parsed.key));
  if (!parsed || !wellFormed) {
    throw new StepcastError('NOT_FOUND', `There is no ${type} with the id ${JSON.stringify(id.slice(0, 100))}.`);
  }
  return parsed.key;
}

const NUMERIC: ReadonlySet<NodeType> = new Set(['Submission', 'StepRun', 'Batch', 'Artifact', 'Worker', 'Firing']);
