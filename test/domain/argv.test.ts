import fc from 'fast-check';
import { buildArgv, outputPath, parameterWords } from '../../src/domain/argv';
import type { ArgvContext } from '../../src/domain/argv';
import type { ArgvPart, Command, Parameter, TaskSpec } from '../../src/domain/definitions';
import { scalar } from '../../src/domain/values';

const context: ArgvContext = {
  inputPaths: { in1: '/run/in.txt', many: ['/run/a.txt', '/run/b c.txt'] },
  outputPaths: { out1: 's7.count' },
  values: {},
  id: 's7',
  tmp: '/run/tmp',
};

describe('the words of a command', () => {
  it('interpolation as in Analytics Automated: flags, values, a switch, an input and an output', () => {
    const command = argv(
      literal('/usr/bin/example_binary'),
      { kind: 'parameter', name: 'p1' },
      literal('-u'),
      literal('123'),
      literal('-la'),
      { kind: 'parameter', name: 'p2' },
      literal('-input'),
      { kind: 'input', port: 'in1' },
      literal('-out'),
      { kind: 'output', port: 'out1' },
    );
    const parameters = [
      parameter({ name: 'p1', flag: '-z' }),
      parameter({ name: 'p2', type: scalar('boolean'), flag: '-lm', switch: true }),
    ];
    const task = taskWith(command, parameters);
    const words = (p2: boolean): string[] => buildArgv(task, { ...context, values: { p1: 12, p2 } }).argv;
    const before = ['/usr/bin/example_binary', '-z', '12', '-u', '123', '-la'];
    const after = ['-input', '/run/in.txt', '-out', 's7.count'];
    expect(words(true)).toEqual([...before, '-lm', ...after]);
    expect(words(false)).toEqual([...before, ...after]);
  });

  it.each([
    ['flag and value apart', parameter({ flag: '-n' }), 3, ['-n', '3']],
    ['flag and value joined', parameter({ flag: '--n=', spacing: 'joined' }), 3, ['--n=3']],
    ['switchless: the value alone', parameter({}), 3, ['3']],
    ['an empty string is still a value', parameter({ flag: '-s' }), '', ['-s', '']],
    ['an absent value leaves nothing', parameter({ flag: '-n' }), null, []],
    ['a missing value leaves nothing', parameter({ flag: '-n' }), undefined, []],
    ['a boolean that is no switch prints itself', parameter({ flag: '-b' }), false, ['-b', 'false']],
    ['a switch that is on prints its flag', parameter({ flag: '-b', switch: true }), true, ['-b']],
    ['a switch that is off prints nothing', parameter({ flag: '-b', switch: true }), false, []],
  ])('%s', (_, spec, value, words) => {
    expect(parameterWords(spec, value)).toEqual(words);
  });

  it('a port with several files gives one argument each; inside a longer word they are joined by commas', () => {
    const many: ArgvPart = { kind: 'input', port: 'many' };
    const command: Command = {
      kind: 'argv',
      argv: [{ parts: [many] }, { parts: [literal('--files='), many] }],
    };
    expect(buildArgv(taskWith(command), context).argv).toEqual([
      '/run/a.txt',
      '/run/b c.txt',
      '--files=/run/a.txt,/run/b c.txt',
    ]);
  });

  it('an argument stays one argument, whatever the value holds', () => {
    const command = argv(literal('echo'), { kind: 'value', name: 'p' }, { kind: 'id' }, { kind: 'tmp' });
    fc.assert(
      fc.property(fc.string(), (p) => {
        const task = taskWith(command, [parameter({})]);
        expect(buildArgv(task, { ...context, values: { p } }).argv).toEqual(['echo', p, 's7', '/run/tmp']);
      }),
    );
  });

  it('a script stays constant and gets its macros as variables', () => {
    const script = 'sort $P1 "$I1" > "$O1"; echo "$VALUE"';
    const task = taskWith({ kind: 'shell', script }, [parameter({ name: 'min-length', flag: '--min' })]);
    const data = '"; rm -rf / #';
    expect(buildArgv(task, { ...context, values: { 'min-length': data } })).toEqual({
      argv: ['/bin/sh', '-c', script],
      environment: {
        I1: '/run/in.txt',
        in1: '/run/in.txt',
        O1: 's7.count',
        out1: 's7.count',
        P1: `--min ${data}`,
        VALUE: data,
        VALUE1: data,
        min_length: data,
        ID: 's7',
        TMP: '/run/tmp',
      },
    });
  });

  it('$ID in a path of an output is the id of the step run', () => {
    const [port] = taskWith(argv()).outputs;
    expect(port && outputPath({ ...port, path: '$ID/$ID.count' }, 'a$&b')).toBe('a$&b/a$&b.count');
  });
});

function literal(text: string): ArgvPart {
  return { kind: 'literal', text };
}

function argv(...parts: ArgvPart[]): Command {
  return { kind: 'argv', argv: parts.map((part) => ({ parts: [part] })) };
}

function parameter(given: Partial<Parameter>): Parameter {
  return {
    name: 'p',
    description: '',
    type: scalar('string'),
    required: true,
    spacing: 'separate',
    switch: false,
    ...given,
  };
}

function taskWith(command: Command, parameters: Parameter[] = []): TaskSpec {
  return {
    name: 'a-task',
    description: '',
    backend: 'local',
    inputs: [{ name: 'in1', description: '', type: scalar('File') }],
    parameters,
    outputs: [
      {
        name: 'out1',
        description: '',
        type: scalar('File'),
        from: 'glob',
        glob: '*.count',
        path: '$ID.count',
        read: 'file',
      },
    ],
    command,
    environment: {},
    exitRules: { success: [0], temporary: [], terminate: [] },
    missingOutput: 'FAIL',
    retry: { maxAttempts: 1, initialDelaySeconds: 1, maxDelaySeconds: 60, factor: 2 },
    timeoutSeconds: 60,
    configuration: [],
  };
}
