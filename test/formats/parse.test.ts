import type { JobSpec, TaskSpec } from '../../src/domain/definitions';
import { scalar } from '../../src/domain/values';
import { parseDefinitionObject, parseDefinitions, parseSources } from '../../src/formats/parse';
import { formatProblem } from '../../src/formats/problem';

const optional = (kind: 'File' | 'int') => ({ kind: 'union', types: [scalar('null'), scalar(kind)] });

describe('limits', () => {
  it.each([
    ['uses: licence', { licence: 1 }],
    ['uses: [licence, disk]', { licence: 1, disk: 1 }],
    ['uses: {licence: 2}', { licence: 2 }],
    ['uses: []', undefined],
    ['max-running: 2', undefined],
  ])('%s', (line, uses) => {
    expect(taskOf(`task: a\ncommand: x\n${line}\n`).uses).toEqual(uses);
  });

  it('stand on tasks, jobs, backends and resources', () => {
    const text = `
tasks: { a: { command: x, max-running: 0 } }
jobs: { j: { steps: { s: a }, max-running: 3 } }
backends: { b: { kind: LOCAL, max-running: 5 } }
resources: { licence: { amount: 2 } }
`;
    expect(parseDefinitions({ name: 'f.yaml', text })).toMatchObject({
      ok: true,
      set: {
        tasks: [{ maxRunning: 0 }],
        jobs: [{ maxRunning: 3 }],
        backends: [{ name: 'b', maxRunning: 5 }],
        resources: [{ name: 'licence', description: '', amount: 2 }],
      },
    });
  });

  it('are left out where none is given', () => {
    expect(taskOf('task: a\ncommand: x\n')).not.toHaveProperty('maxRunning');
    expect(parseDefinitionObject('resource', { name: 'r', amount: 4 })).toMatchObject({
      ok: true,
      spec: { amount: 4 },
    });
  });
});

describe('the short form of a task', () => {
  it('is a command; all else has a default', () => {
    expect(taskOf('task: a\ncommand: "true"\n')).toEqual({
      name: 'a',
      description: '',
      backend: 'local',
      inputs: [],
      parameters: [],
      outputs: [],
      command: { kind: 'argv', argv: [{ parts: [{ kind: 'literal', text: 'true' }] }] },
      environment: {},
      exitRules: { success: [0], temporary: [], terminate: [] },
      missingOutput: 'FAIL',
      retry: { maxAttempts: 3, initialDelaySeconds: 1, maxDelaySeconds: 300, factor: 2 },
      timeoutSeconds: 3600,
      configuration: [],
    });
  });

  it('globs become ports: *.count is written to $ID.count, a literal name stays', () => {
    const task = taskOf('task: a\ncommand: x $I1 $I2 $O1 $O2\nin: ["*.a", "*.b"]\nout: ["*.count", all.txt]\n');
    expect(task.inputs.map(({ name, glob }) => [name, glob])).toEqual([
      ['in1', '*.a'],
      ['in2', '*.b'],
    ]);
    expect(task.outputs.map(({ name, glob, path }) => [name, glob, path])).toEqual([
      ['out1', '*.count', '$ID.count'],
      ['out2', 'all.txt', 'all.txt'],
    ]);
  });

  it.each([
    ['stdout: "*.count"\n', ['stdout', 'stdout', '$ID.count']],
    ['stdout: counts\noutputs: {counts: "*.count"}\n', ['counts', 'stdout', '$ID.count']],
    ['stdout: $O1\noutputs: {counts: "*.count"}\n', ['counts', 'stdout', '$ID.count']],
    ['outputs: {counts: {from: stdout}}\n', ['counts', 'stdout', 'counts']],
    ['stderr: "*.err"\n', ['stderr', 'stderr', '$ID.err']],
  ])('a stream goes to an output: %j', (lines, expected) => {
    const task = taskOf(`task: a\ncommand: x\n${lines}`);
    expect(task.outputs.map(({ name, from, path }) => [name, from, path])).toEqual([expected]);
  });

  it('parameters keep what they are given, and need no value when there is a default', () => {
    const task = taskOf(
      'task: a\ncommand: x $P1 $P2 $P3 $P4\nparameters:\n  n: {type: int, flag: --n=, spacing: joined, default: 3, min: 1, max: 20}\n  s: {switch: true, flag: -s}\n  e: {enum: [x, y]}\n  o: {type: int?}\n',
    );
    expect(task.parameters).toEqual([
      expect.objectContaining({
        name: 'n',
        flag: '--n=',
        spacing: 'joined',
        required: false,
        default: 3,
        min: 1,
        max: 20,
      }),
      expect.objectContaining({ name: 's', type: scalar('boolean'), switch: true, required: false, default: false }),
      expect.objectContaining({ name: 'e', type: { kind: 'enum', symbols: ['x', 'y'] }, required: true }),
      expect.objectContaining({ name: 'o', type: optional('int'), required: false }),
    ]);
  });

  it('everything else of a task', () => {
    const task = taskOf(
      `task: a\ncommand: [x, "$VALUE", 3]\nparameters: {p: {type: string}}\nbackend: b\nenvironment: {N: 3, T: text}
exit-codes: {success: [0, 1], temporary: 75, terminate: [9]}\nmissing-output: continue\nout: "*.x"
retry: {attempts: 5, initial-delay: 2s, max-delay: 1m, factor: 3}\ntimeout: 10m
configuration: [{kind: dataset, name: uniref, version: 2024}]\n`,
    );
    expect(task).toMatchObject({
      backend: 'b',
      environment: { N: '3', T: 'text' },
      exitRules: { success: [0, 1], temporary: [75], terminate: [9] },
      missingOutput: 'CONTINUE',
      outputs: [{ type: optional('File') }],
      retry: { maxAttempts: 5, initialDelaySeconds: 2, maxDelaySeconds: 60, factor: 3 },
      timeoutSeconds: 600,
      configuration: [{ kind: 'DATASET', name: 'uniref', version: '2024', parameters: '' }],
    });
  });

  it.each([
    ['File', scalar('File')],
    ['File?', optional('File')],
    ['"int[]"', { kind: 'array', items: scalar('int') }],
    ['"int?[]"', { kind: 'array', items: optional('int') }],
    ['{array: {enum: [a, b]}}', { kind: 'array', items: { kind: 'enum', symbols: ['a', 'b'] } }],
    ['{record: {x: int}}', { kind: 'record', fields: [{ name: 'x', type: scalar('int') }] }],
    ['[int, string]', { kind: 'union', types: [scalar('int'), scalar('string')] }],
    ['{type: int?, description: why}', optional('int')],
  ])('the type %s', (written, type) => {
    expect(taskOf(`task: a\ncommand: x\ninputs: {p: ${written}}\n`).inputs[0]?.type).toEqual(type);
  });
});

describe('validators', () => {
  it.each([
    ['png', { kind: 'png' }],
    ['{regex: "^a"}', { kind: 'regex', pattern: '^a', flags: '' }],
    ['{size: 10MB}', { kind: 'size', maxBytes: 10485760 }],
    ['{size: {min: 1, max: 2kB}}', { kind: 'size', minBytes: 1, maxBytes: 2048 }],
    ['{mime: text/plain}', { kind: 'mime', types: ['text/plain'] }],
    ['csv', { kind: 'csv', delimiter: ',', columns: [], exact: false }],
    [
      '{csv: {columns: {day: date, rain: float?}, exact: true, min-rows: 1}}',
      {
        kind: 'csv',
        delimiter: ',',
        exact: true,
        minRows: 1,
        columns: [
          { name: 'day', type: 'date', optional: false },
          { name: 'rain', type: 'float', optional: true },
        ],
      },
    ],
    ['{json: {type: object}}', { kind: 'json', schema: { type: 'object' } }],
    ['json', { kind: 'json', schema: true }],
    ['{fasta: protein}', { kind: 'fasta', alphabet: 'protein', aligned: false }],
    ['{fasta: {min-length: 30, aligned: true}}', { kind: 'fasta', alphabet: 'any', aligned: true, minLength: 30 }],
    ['{command: grep -q "a b" $FILE}', { kind: 'command', argv: ['grep', '-q', 'a b', '$FILE'], timeoutSeconds: 60 }],
    ['{command: {run: [x, $FILE], timeout: 5s}}', { kind: 'command', argv: ['x', '$FILE'], timeoutSeconds: 5 }],
  ])('%s', (written, spec) => {
    const text = `task: t\ncommand: cat $I1\ninputs: {f: File}\n---\njob: j\ninputs: {f: {type: File, validate: [${written}]}}\nsteps: {s: {task: t, in: {f: f}}}\n`;
    expect(JSON.parse(JSON.stringify(jobOf(text, 'j').inputs[0]?.validators))).toEqual([spec]);
  });
});

describe('jobs', () => {
  const TASKS = `tasks:
  list: {command: ls $VALUE, parameters: {folder: {type: string}}, stdout: "*.list"}
  count: {command: wc $P1 $I1, in: "*.list", parameters: {n: {type: int, default: 2, max: 9}}, stdout: "*.count"}
`;

  it('an ordered list: ports by glob over all that is earlier, parameters as inputs, every result an output', () => {
    const job = jobOf(
      `${TASKS}---\njob: j\nsteps: [{task: count, order: 1}, {task: list, order: 0}, {task: count, order: 1}]\n`,
      'j',
    );
    expect(job.steps.map(({ name, after }) => [name, after])).toEqual([
      ['list', []],
      ['count', ['list']],
      ['count-2', ['list']],
    ]);
    expect(job.steps[1]?.links.in1).toEqual({ kind: 'glob', glob: '*.list', steps: ['list'], inputs: true });
    expect(job.inputs.map(({ name, default: fallback, max }) => [name, fallback, max])).toEqual([
      ['folder', undefined, undefined],
      ['count-n', 2, 9],
      ['count-2-n', 2, 9],
    ]);
    expect(job.outputs.map(({ name }) => name)).toEqual(['list-stdout', 'count-stdout', 'count-2-stdout']);
  });

  it('an ordered list takes one upload, whatever it is called, in its first steps', () => {
    const job = jobOf(`${TASKS}---\njob: j\nsteps: [{task: count, order: 3}]\n`, 'j');
    expect(job.inputs.map(({ name }) => name)).toEqual(['input', 'n']);
    expect(job.steps[0]?.links.in1).toEqual({ kind: 'input', input: 'input' });
  });

  it('an ordered list may declare its inputs and link a step by hand', () => {
    const job = jobOf(
      `${TASKS}---\njob: j\ninputs: {folder: {type: string, default: /}, n: int}\nsteps: [{task: list, order: 0}, {task: count, order: 1, in: {n: 5}}, {task: count, order: 2, name: last}]\n`,
      'j',
    );
    expect(job.inputs.map(({ name, max }) => [name, max])).toEqual([
      ['folder', undefined],
      ['n', 9],
    ]);
    expect(job.steps.map(({ links }) => links.n)).toEqual([
      undefined,
      { kind: 'value', value: 5 },
      { kind: 'input', input: 'n' },
    ]);
  });

  it('without outputs, the results of the steps nothing waits for are the results of the job', () => {
    const job = jobOf(
      `${TASKS}---\njob: j\nsteps:\n  a: {task: list, in: {folder: {value: /}}}\n  b: {task: count, in: {in1: a.stdout}}\n`,
      'j',
    );
    expect(job.outputs).toEqual([
      { name: 'stdout', description: '', type: scalar('File'), source: { kind: 'output', step: 'b', port: 'stdout' } },
    ]);
  });

  it('a step without a link takes its glob from what it waits for', () => {
    const job = jobOf(
      `${TASKS}---\njob: j\nsteps:\n  a: {task: list, in: {folder: {value: /}}}\n  b: {task: count, after: a}\n`,
      'j',
    );
    expect(job.steps[1]?.links.in1).toEqual({ kind: 'glob', glob: '*.list', steps: ['a'], inputs: true });
  });

  it('results of a step that may be skipped, and of what follows it, may be null', () => {
    const job = jobOf(
      `${TASKS}---\njob: j\nsteps:\n  a: {task: list, in: {folder: {value: /}}}\n  b: {task: count, in: {in1: a.stdout}, when: {step: a, exit-code: 0}}\noutputs: {a: a.stdout, b: b.stdout}\n`,
      'j',
    );
    expect(job.outputs.map(({ type }) => type)).toEqual([scalar('File'), optional('File')]);
  });
});

describe('several files', () => {
  const job = { name: 'job.yaml', text: 'job: j\nsteps: {a: {task: t}}\n' };
  const task = { name: 'task.yaml', text: 'task: t\ncommand: ls\n' };

  it('use each other in any order, and each has an answer of its own', () => {
    const broken = { name: 'broken.yaml', text: 'task: x\n' };
    expect(parseSources([job, broken, task]).map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(parseDefinitions(job).ok).toBe(false);
  });

  it('use what is known already', () => {
    const known = new Map([['t', taskOf(task.text)]]);
    expect(parseDefinitions(job, { tasks: known }).ok).toBe(true);
  });

  it('name a backend that is there', () => {
    const text = 'task: t\ncommand: ls\nbackend: slrum\n';
    const parsed = parseDefinitions({ name: 'f', text }, { backends: new Set(['slurm']) });
    expect(parsed.ok ? [] : parsed.problems.map(formatProblem)).toEqual([
      "f:3:10: there is no backend 'slrum'. Did you mean 'slurm'? Known backends: local, slurm.",
    ]);
    expect(
      parseDefinitions({ name: 'f', text: `${text}---\nbackend: slrum\nkind: local\n` }, { backends: new Set() }).ok,
    ).toBe(true);
  });

  it('tell where a definition stands', () => {
    const parsed = parseDefinitions({ name: 'f', text: `${task.text}---\n${job.text}` });
    expect(parsed.ok && parsed.positions('job', 'j')).toEqual({ line: 4, column: 6 });
    expect(parsed.ok && parsed.positions('job', 'j', ['steps', 'a', 'task'])).toEqual({ line: 5, column: 19 });
  });
});

describe('a definition as an object', () => {
  it('has lists with names where a file has maps, and keys in camel case', () => {
    const fromFile = taskOf(
      'task: t\ncommand: x $I1\ninputs: {a: File}\nexit-codes: {success: [1]}\nenvironment: {A: b}\n',
    );
    const object = {
      name: 't',
      command: 'x $I1',
      inputs: [{ name: 'a', type: 'File' }],
      exitCodes: { success: [1] },
      environment: [{ name: 'A', value: 'b' }],
    };
    expect(parseDefinitionObject('task', object)).toEqual({ ok: true, spec: fromFile });
  });

  it('links are a list as well', () => {
    const tasks = new Map([
      ['t', taskOf('task: t\ncommand: x $I1 $P1\ninputs: {a: File}\nparameters: {n: {type: int}}\n')],
    ]);
    const object = {
      name: 'j',
      inputs: [{ name: 'f', type: 'File' }],
      steps: [
        {
          name: 's',
          task: 't',
          in: [
            { port: 'a', from: 'f' },
            { port: 'n', value: 3 },
          ],
        },
      ],
    };
    const parsed = parseDefinitionObject('job', object, { tasks });
    expect(parsed.ok && parsed.spec.steps[0]?.links).toEqual({
      a: { kind: 'input', input: 'f' },
      n: { kind: 'value', value: 3 },
    });
  });

  it.each([null, 3, 'text', [], {}])('%j is none', (value) => {
    const parsed = parseDefinitionObject('task', value);
    expect(parsed.ok ? 0 : parsed.problems.length).toBeGreaterThan(0);
  });

  it('a problem has a path and no line', () => {
    const parsed = parseDefinitionObject('task', { name: 't', command: 'x', inputs: [{ name: 'a', type: 'Fle' }] });
    expect(parsed.ok ? [] : parsed.problems).toEqual([
      expect.objectContaining({ path: ['inputs', 0, 'type'], line: 0, column: 0 }),
    ]);
  });
});

function taskOf(text: string): TaskSpec {
  const parsed = parseDefinitions({ name: 'f.yaml', text });
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  const [task] = parsed.set.tasks;
  if (!task) throw new Error('no task');
  return task;
}

function jobOf(text: string, name: string): JobSpec {
  const parsed = parseDefinitions({ name: 'f.yaml', text });
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  const job = parsed.set.jobs.find((one) => one.name === name);
  if (!job) throw new Error('no job');
  return job;
}
