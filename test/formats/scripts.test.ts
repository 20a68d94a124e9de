import { parseDefinitionObject, parseDefinitions } from '../../src/formats/parse';
import { MAX_SCRIPT_FILES, scriptFilesNamed, type ScriptFiles } from '../../src/formats/scriptFiles';

describe('a task with a script', () => {
  const parse = (text: string, scripts?: ScriptFiles) =>
    parseDefinitions({ name: 'f.yaml', text, ...(scripts ? { scripts } : {}) });
  const problems = (text: string, scripts?: ScriptFiles): string[] => {
    const parsed = parse(text, scripts);
    return parsed.ok ? [] : parsed.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  };

  it('holds its source, and returns outputs that say no file by their names', () => {
    const parsed = parse(`task: t
script: x = 1
outputs: { x: int, table: { type: File, format: csv }, log: '*.log' }
`);
    expect(parsed.ok && parsed.set.tasks[0]).toMatchObject({
      command: { kind: 'script', source: 'x = 1' },
      outputs: [
        { name: 'x', from: 'value', type: { kind: 'int' } },
        { name: 'table', from: 'value', format: 'csv' },
        { name: 'log', from: 'glob' },
      ],
    });
  });

  it('takes the source from a file beside it', () => {
    const scripts = new Map([['code/fit.py', { text: 'x = 2' }]]);
    const parsed = parse('task: t\nscript: { file: code/fit.py }\n', scripts);
    expect(parsed.ok && parsed.set.tasks[0]?.command).toEqual({ kind: 'script', source: 'x = 2', file: 'fit.py' });
  });

  it('takes a query from a file as well', () => {
    const text = 'task: t\nquery: { file: clean.sql }\noutputs: { n: int }\n';
    expect(scriptFilesNamed(text)).toEqual(['clean.sql']);
    const parsed = parse(text, new Map([['clean.sql', { text: 'select 1 as n' }]]));
    expect(parsed.ok && parsed.set.tasks[0]?.command).toEqual({ kind: 'query', sql: 'select 1 as n' });
    expect(problems(text)).toEqual(['2:16 only a definition file can name a file beside it']);
  });

  it('tells what is wrong with that file, where it is named', () => {
    const text = 'task: t\nscript: { file: fit.py }\n';
    expect(problems(text, new Map([['fit.py', { problem: 'there is no file', hint: '' }]]))).toEqual([
      '2:17 there is no file',
    ]);
    expect(problems(text)).toEqual(['2:17 only a definition file can name a file beside it']);
    expect(parseDefinitionObject('task', { name: 't', script: { file: 'fit.py' } })).toMatchObject({ ok: false });
  });

  it('has ports that are different variables', () => {
    const text = 'task: t\nscript: x\ninputs: { a-b: int }\noutputs: { a_b: int }\n';
    expect(problems(text)).toEqual([expect.stringContaining("'a_b' is already in inputs")]);
  });

  it('alone gets tables, of Files', () => {
    expect(problems('task: t\nscript: x\ninputs: { d: { as: table }, e: { type: "File[]", as: table } }\n')).toEqual(
      [],
    );
    expect(problems('task: t\ncommand: cat $I1\ninputs: { d: { as: table } }\n')).toEqual([
      '3:20 only a script gets tables',
    ]);
    expect(problems('task: t\nscript: x\ninputs: { d: { type: int, as: table } }\n')).toEqual([
      '3:31 only a File is read as a table, and this is int',
    ]);
  });

  it('names no more files than are read', () => {
    const tasks = Array.from({ length: MAX_SCRIPT_FILES + 5 }, (_, n) => `  t${n}: { script: { file: ${n}.py } }`);
    expect(scriptFilesNamed(`tasks:\n${tasks.join('\n')}\n`)).toHaveLength(MAX_SCRIPT_FILES);
    expect(scriptFilesNamed('task: t\nscript: { file: [broken\n')).toEqual([]);
  });
});

describe('a backend of Python', () => {
  const parse = (keys: string) => parseDefinitions({ name: 'f.yaml', text: `backend: p\nkind: python\n${keys}` });

  it('has options', () => {
    const parsed = parse('venv: /srv/venv\nlibrary-path: [/a, /b]\npool: 2\npreload: numpy\n');
    expect(parsed.ok && parsed.set.backends[0]).toMatchObject({
      kind: 'PYTHON',
      options: { venv: '/srv/venv', libraryPath: ['/a', '/b'], pool: 2, preload: ['numpy'] },
    });
  });

  it.each([
    'venv: relative',
    'library-path: /a:/b',
    'interpreter: bin/python',
    'pool: 1000',
    'preload: "os; import sys"',
    'venv: /a\ninterpreter: /b',
  ])('refuses %s', (keys) => expect(parse(`${keys}\n`).ok).toBe(false));
});
