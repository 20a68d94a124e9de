/** What can be told of a query before it runs: whether it holds statements, and the names that it reads. Pure. */
import { variableName } from './argv';
import type { BackendKind } from './backendOptions';
import type { TaskSpec } from './definitions';
import { known } from './nearest';
import { MAX_STATEMENTS, splitStatements, type Dialect } from './statements';

/** One thing to mend in a query. */
export interface QueryFault {
  readonly message: string;
  readonly hint: string;
}

/** How queries on these kinds are written; what a plug-in runs is its own. */
const DIALECTS: Partial<Readonly<Record<BackendKind, Dialect>>> = { SQL: 'duckdb', SPARK: 'spark' };

/** Names that nothing gives a value to, and a text without any statement, or with too many. Nothing for other commands. */
export function queryFaults(
  { command, inputs, parameters }: Pick<TaskSpec, 'command' | 'inputs' | 'parameters'>,
  kind: BackendKind,
): QueryFault[] {
  const dialect = DIALECTS[kind];
  if (command.kind !== 'query' || !dialect) return [];
  const statements = splitStatements(command.sql, dialect);
  if (statements.length === 0)
    return [{ message: 'the query holds no statement', hint: 'Write one, such as select * from measurements.' }];
  if (statements.length > MAX_STATEMENTS)
    return [{ message: `the query has more than ${MAX_STATEMENTS} statements`, hint: 'Make it several tasks.' }];
  const names = [...parameters, ...inputs].map(({ name }) => variableName(name));
  const lines = new Map<string, number>();
  for (const { text, variables } of statements)
    for (const { name, start } of variables)
      if (!names.includes(name) && !lines.has(name)) lines.set(name, text.slice(0, start).split('\n').length);
  return [...lines].map(([name, line]) => ({
    message: `the query reads $${name} (on its line ${line}), and there is no parameter or input '${name}'`,
    hint: known('variables', names, name),
  }));
}
