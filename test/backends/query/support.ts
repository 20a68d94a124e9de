/** Query Tasks and their ports, written short. */
import type { BackendSpec, OutputPort, Parameter, TaskSpec } from '../../../src/domain/definitions';
import type { SqlOptions } from '../../../src/domain/backends/sql';
import { scalar, type ValueType } from '../../../src/domain/values';
import { outputPort, task } from '../support';

export const query = (sql: string, more: Partial<TaskSpec> = {}): TaskSpec =>
  task([], { command: { kind: 'query', sql }, ...more });

/** An output that the query returns, not one that is found as a file. */
export const result = (name: string, type: ValueType, more: Partial<OutputPort> = {}): OutputPort =>
  outputPort(name, { type, from: 'value', glob: '', path: '', read: 'json', ...more });

export const table = (name: string, format?: string): OutputPort => result(name, scalar('File'), { format });

export const list = (items: ValueType): ValueType => ({ kind: 'array', items });

export const parameter = (name: string, type: ValueType): Parameter => ({
  ...{ name, description: '', type, required: true, switch: false },
  spacing: 'separate',
});

export const sqlBackend = (options: SqlOptions = {}): BackendSpec => ({
  ...{ name: 'sql', description: '', environment: {} },
  kind: 'SQL',
  options,
});
