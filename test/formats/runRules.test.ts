import type { TaskSpec } from '../../src/domain/definitions';
import { parseDefinitions } from '../../src/formats/parse';
import { formatProblem } from '../../src/formats/problem';

const problemsOf = (text: string): string[] => {
  const parsed = parseDefinitions({ name: 'f.yaml', text });
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
};

function taskOf(text: string): TaskSpec {
  const parsed = parseDefinitions({ name: 'f.yaml', text });
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  const [task] = parsed.set.tasks;
  if (!task) throw new Error('no task');
  return task;
}

const MB = 1024 ** 2;

describe('how a task runs', () => {
  it('is the usual when nothing is said, and then nothing is stored of what came later', () => {
    const task = taskOf('task: a\ncommand: x\n');
    expect(task).toMatchObject({
      retry: { maxAttempts: 3, initialDelaySeconds: 1, maxDelaySeconds: 300, factor: 2 },
      timeoutSeconds: 3600,
    });
    expect(Object.keys(task.retry)).toHaveLength(4);
    for (const key of ['resources', 'heartbeatSeconds', 'queueTimeoutSeconds', 'stepTimeoutSeconds'])
      expect(task).not.toHaveProperty(key);
  });

  it('one list tells what is tried again: exit codes, signals, causes', () => {
    const { retry } = taskOf(
      'task: a\ncommand: x\nretry: {on: [75, 137, SIGKILL, timeout, out-of-memory, missing-output, lost]}\n',
    );
    expect(retry.on).toEqual({
      exitCodes: [75, 137],
      signals: ['SIGKILL'],
      causes: ['TIMEOUT', 'OUT_OF_MEMORY', 'MISSING_OUTPUT', 'LOST'],
    });
    expect(taskOf('task: a\ncommand: x\nretry: {on: []}\n').retry.on).toEqual({
      exitCodes: [],
      signals: [],
      causes: [],
    });
  });

  it('resources are typed, and the command may speak of those that are declared', () => {
    const task = taskOf('task: a\ncommand: x $MEMORY -Xmx${MEMORY_MB}m $CPUS\nresources: {memory: 512MB, cpus: 2}\n');
    expect(task.resources).toEqual({ memoryBytes: 512 * MB, cpus: 2 });
    expect(task.command).toMatchObject({
      argv: [
        {},
        { parts: [{ kind: 'resource', name: 'MEMORY' }] },
        {
          parts: [
            { kind: 'literal', text: '-Xmx' },
            { kind: 'resource', name: 'MEMORY_MB' },
            { kind: 'literal', text: 'm' },
          ],
        },
        { parts: [{ kind: 'resource', name: 'CPUS' }] },
      ],
    });
  });

  it.each([
    ['{memory: 2}', { memoryFactor: 2, maxMemoryBytes: 16 * 512 * MB }],
    ['{memory: {factor: 1.5, max: 4GB}}', { memoryFactor: 1.5, maxMemoryBytes: 4096 * MB }],
  ])('memory grows: %s', (grow, growth) => {
    const { retry } = taskOf(`task: a\ncommand: x\nresources: {memory: 512MB}\nretry: {grow: ${grow}}\n`);
    expect(retry.growth).toEqual(growth);
  });

  it.each([
    ['10m', { timeoutSeconds: 600 }],
    [
      '{attempt: 10m, queue: 1h, step: 3h}',
      { timeoutSeconds: 600, queueTimeoutSeconds: 3600, stepTimeoutSeconds: 10800 },
    ],
    ['{step: 5m}', { timeoutSeconds: 300, stepTimeoutSeconds: 300 }],
    ['{queue: 5m}', { timeoutSeconds: 3600, queueTimeoutSeconds: 300 }],
  ])('timeout: %s', (written, expected) => {
    expect(taskOf(`task: a\ncommand: x\ntimeout: ${written}\n`)).toMatchObject(expected);
  });

  it('a job has a timeout too, and without one it stays as it was', () => {
    const jobOf = (more: string): object => {
      const text = `task: a\ncommand: x\n---\njob: j\nsteps: {only: a}\n${more}`;
      const parsed = parseDefinitions({ name: 'f.yaml', text });
      return parsed.ok ? (parsed.set.jobs[0] ?? {}) : parsed.problems;
    };
    expect(jobOf('timeout: 2h\n')).toMatchObject({ timeoutSeconds: 7200 });
    expect(jobOf('')).not.toHaveProperty('timeoutSeconds');
    expect(jobOf('timeout: 0\n')).toMatchObject([{ line: 6, message: "'timeout': the time is 0" }]);
  });

  it('a heartbeat is a time', () => {
    expect(taskOf('task: a\ncommand: x\nheartbeat: 30s\n').heartbeatSeconds).toBe(30);
  });
});

describe('what is wrong with how a task runs is told with its place', () => {
  it.each([
    [
      'a word that is no cause',
      'retry: {on: [out-of-mem]}',
      "3:14: this: 'out-of-mem' is no failure that can be tried again. Did you mean 'out-of-memory'?",
    ],
    [
      'a success that is tried again',
      'exit-codes: {success: [0, 3]}\nretry: {on: [3]}',
      '4:9: exit code 3 is in exit-codes, under success.',
    ],
    ['growth of nothing', 'retry: {grow: {memory: 2}}', '3:9: there is no memory that could grow.'],
    [
      'growth to less',
      'resources: {memory: 2GB}\nretry: {grow: {memory: {factor: 2, max: 1GB}}}',
      'the memory is as much from the start',
    ],
    ['a factor that shrinks', 'resources: {memory: 2GB}\nretry: {grow: {memory: 0.5}}', "'memory'"],
    ['a time of nothing', 'timeout: 0', "3:10: 'timeout': the time is 0. Give seconds"],
    [
      'an attempt longer than its step',
      'timeout: {attempt: 2h, step: 1h}',
      '3:20: one attempt may take longer than the whole step.',
    ],
    [
      'a heartbeat that is never due',
      'timeout: 10s\nheartbeat: 10s',
      '4:12: the attempt ends before its first heartbeat is due.',
    ],
    ['a heartbeat of a moment', 'heartbeat: 10ms', 'is too short'],
    ['memory without its unit', 'resources: {memory: 512}', '512 bytes of memory are too little'],
    ['half a processor', 'resources: {cpus: 0.5}', "'cpus'"],
    ['a macro of what is not declared', 'retry: {attempts: 1}', '2:10: unknown macro $MEMORY.', 'x $MEMORY'],
    [
      'a port with the name of a resource',
      'resources: {cpus: 1}\nparameters: {CPUS: {type: int}}',
      "'CPUS' is the name of a macro",
    ],
  ] as [string, string, string, string?][])('%s', (_, text, told, command = 'x') => {
    expect(problemsOf(`task: a\ncommand: ${command}\n${text}\n`).join('\n')).toContain(told);
  });
});
