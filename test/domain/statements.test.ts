import { replaceVariables, splitStatements, type Dialect } from '../../src/domain/statements';

const texts = (sql: string, dialect: Dialect = 'duckdb'): string[] =>
  splitStatements(sql, dialect).map(({ text }) => text.trim());
const variables = (sql: string, dialect: Dialect = 'duckdb'): string[] =>
  splitStatements(sql, dialect).flatMap((statement) => statement.variables.map(({ name }) => name));

describe('an SQL text is split', () => {
  test('at semicolons, and what is empty is left out', () => {
    expect(texts('select 1;; select 2 ; -- end\n /* nothing */ ;')).toEqual(['select 1', 'select 2']);
  });

  test('never inside of strings, quoted names and comments', () => {
    const sql = `select ';', 'it''s;', ";""", $$;$$, $tag$ ; $$ $tag$, E'\\';' -- ;\n, /* ; /* ; */ ; */ 1; select 2`;
    expect(texts(sql)).toHaveLength(2);
  });

  test('with the escapes of Spark, where that runs it', () => {
    expect(texts("select 'a\\';b', `c;d`, \"e\\\";f\", r'\\'; select 2", 'spark')).toHaveLength(2);
    expect(texts("select 'a\\'; select 2")).toHaveLength(2);
  });

  test('also where a quote or comment is never closed', () => {
    for (const open of ["select 'a; b", 'select /* a; b', 'select $x$ a; b', 'select "a; b'])
      expect(texts(open)).toEqual([open]);
  });

  test('and every statement keeps its lines', () => {
    const statements = splitStatements('select 1;\n\n-- what follows\nselect\n  2;select 3', 'duckdb');
    expect(statements.map(({ line }) => line)).toEqual([1, 4, 5]);
    expect(statements.map(({ text }) => text.split('\n').length)).toEqual([1, 5, 5]);
  });
});

describe('variables', () => {
  test('are found where they are, and nowhere in strings or comments', () => {
    const sql = `select $a, '$b', "$c", $$ $d $$ -- $e\n, $1, x$f; select $min_length+$a`;
    expect(variables(sql)).toEqual(['a', 'min_length', 'a']);
    expect(variables('select $a, `$b`, "$c"', 'spark')).toEqual(['a']);
  });

  test('can be written in another way', () => {
    const [, second] = splitStatements(`select 1;\nselect $aa, '$aa', $b from t`, 'duckdb');
    expect(second && replaceVariables(second, (name) => `:${name}`)).toBe(`\nselect :aa, '$aa', :b from t`);
  });
});
