import { unsuitable } from '../../src/engine/suitability';
import type { BackendSpec } from '../../src/domain/definitions';
import { backendOf, taskOf } from '../backends/written';

const place = { source: 'file:a.yaml', kind: 'TASK' as const, name: 't' };
const told = (backend: BackendSpec, task: string): string[] =>
  unsuitable(backend, taskOf(task), place).map(({ message }) => message);

it('a task whose command its backend cannot run is told so', () => {
  const service = backendOf('kind: http');
  expect(told(service, 'command: sort')).toEqual(['backend "b" is of kind HTTP and runs no command']);
  expect(told(backendOf('kind: local'), 'request: GET https://example.org')).toEqual([
    'backend "b" is of kind LOCAL and runs no request',
  ]);
  expect(told(backendOf('kind: spark'), 'script: x = 1')).toEqual([]);
  expect(told(backendOf('kind: spark'), 'shell: true\ncommand: sort')).toEqual([
    'backend "b" is of kind SPARK and runs no shell script',
  ]);
});

it('a request with a path alone needs a backend with a base-url', () => {
  const path = 'request: GET /x';
  expect(told(backendOf('kind: http'), path)).toEqual([
    'the request has a path alone, and backend "b" has no base-url',
  ]);
  expect(told(backendOf('kind: http\nbase-url: https://example.org'), path)).toEqual([]);
  expect(told(backendOf('kind: http'), 'request: GET https://example.org/x')).toEqual([]);
});

describe('a query', () => {
  const problems = (backend: string, query: string) =>
    unsuitable(backendOf(backend), taskOf(`inputs: { rows: File }\nparameters: { max-age: int }\n${query}`), place);
  const SQL = 'kind: sql';

  it('that reads what nothing gives is refused, with its line and the name that was most likely meant', () => {
    const query = 'query: |\n  select 1;\n  select * from rows\n  where age < $max_aeg and x = $other and y = $max_aeg';
    expect(problems(SQL, query)).toEqual([
      {
        ...place,
        path: ['query'],
        message: "the query reads $max_aeg (on its line 3), and there is no parameter or input 'max_aeg'",
        hint: "Did you mean 'max_age'? Known variables: max_age, rows.",
      },
      expect.objectContaining({ message: expect.stringContaining('$other') as string }),
    ]);
    expect(problems(SQL, 'query: from read_csv($rows) where age < $max_age')).toEqual([]);
  });

  it('is read as its engine writes it, and one for a plug-in is left to that', () => {
    const quoted = 'query: select $$ $nobody $$';
    expect(problems(SQL, quoted)).toEqual([]);
    expect(problems('kind: spark', quoted)).toHaveLength(1);
    expect(problems('kind: custom\nplugin: other', 'query: select $nobody')).toEqual([]);
  });

  it('without a statement is refused, and so is one with a thousand more', () => {
    expect(problems(SQL, 'query: -- later')).toMatchObject([{ message: 'the query holds no statement' }]);
    expect(problems(SQL, `query: "${'select 1;'.repeat(1000)}"`)).toEqual([]);
    expect(problems(SQL, `query: "${'select 1;'.repeat(40_000)}"`)).toMatchObject([
      { message: 'the query has more than 1000 statements', hint: 'Make it several tasks.' },
    ]);
  });
});
