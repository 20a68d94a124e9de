/** Runs a Job's commands for real, one after the other, without a server: the definitions are tested, not the engine. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import picomatch from 'picomatch';
import { buildArgv, outputPath } from '../../src/domain/argv';
import { compileJob } from '../../src/domain/compileJob';
import type { PlanNode } from '../../src/domain/compileJob';
import type { JobSpec, OutputPort, TaskSpec } from '../../src/domain/definitions';
import { orderSteps } from '../../src/domain/graph';
import { checkedInputs, jobOutputs, linkedValues, type Lookup } from '../../src/domain/resolveInputs';
import { filesIn, requiredType } from '../../src/domain/values';
import type { FileValue, Value, Values } from '../../src/domain/values';

export interface JobRun {
  readonly outputs: Values;
  readonly skipped: readonly string[];
  /** The content of an output that is a file. */
  text(output: string): string;
}

/** Throws when a step fails, as its exit rules say. Files among the inputs are paths. */
export function runJob(
  job: JobSpec,
  tasks: ReadonlyMap<string, TaskSpec>,
  given: Values,
  dir: string,
  fileRoot: string,
): JobRun {
  const plan = compileJob(job, { tasks, jobs: new Map() });
  const order = orderSteps(job.steps);
  if (!order.ok) throw new Error('a cycle');
  const paths = new Map<string, string>();
  const fileValue = (path: string): FileValue => {
    const content = readFileSync(path);
    const sha256 = createHash('sha256').update(path).update(content).digest('hex');
    paths.set(sha256, path);
    return { class: 'File', name: basename(path), sha256, size: content.length, mediaType: 'text/plain' };
  };
  const inputs = Object.fromEntries(
    job.inputs.map(({ name, type, default: fallback }) => {
      const value = given[name] ?? fallback ?? null;
      return [
        name,
        requiredType(type).kind === 'File' && typeof value === 'string' ? fileValue(join(fileRoot, value)) : value,
      ];
    }),
  );
  const done = new Map<number, { outputs: Values | null; exitCode: number | null }>();
  const outputsOf = (index: number): Values | null => done.get(index)?.outputs ?? null;
  const lookup: Lookup = (ref) => {
    if (ref.kind === 'input') return inputs[ref.input] ?? null;
    if (ref.kind === 'inputs') return inputs;
    return ref.kind === 'outputs' ? outputsOf(ref.node) : (outputsOf(ref.node)?.[ref.port] ?? null);
  };
  for (const index of order.order) {
    const node = plan.nodes[index];
    if (node) done.set(index, isSkipped(node, done) ? { outputs: null, exitCode: null } : runNode(node));
  }
  const { values: outputs } = jobOutputs(plan, lookup);
  const skipped = plan.nodes.filter(({ index }) => done.get(index)?.outputs === null).map(({ name }) => name);
  const text = (output: string): string => {
    const [file] = filesIn(outputs[output]);
    return readFileSync(paths.get(file?.sha256 ?? '') ?? '', 'utf8');
  };
  return { outputs, skipped, text };

  function runNode(node: PlanNode): { outputs: Values; exitCode: number } {
    const { values, problems } = checkedInputs(node, linkedValues(node, lookup).values);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    const { run, name } = node;
    if (run.kind !== 'task' || run.task.command.kind === 'expression') throw new Error(`${name} runs no command`);
    const { task } = run;
    const { command } = run.task;
    const cwd = join(dir, name);
    const tmp = join(dir, `${name}.tmp`);
    mkdirSync(cwd);
    mkdirSync(tmp);
    const pathOf = (file: FileValue): string => paths.get(file.sha256) ?? '';
    const inputPaths = Object.fromEntries(
      task.inputs.flatMap(({ name: port }): [string, string | string[]][] => {
        const files = filesIn(values[port]);
        const [first] = files;
        if (!first) return [];
        return [[port, Array.isArray(values[port]) ? files.map(pathOf) : pathOf(first)]];
      }),
    );
    const outputPaths = Object.fromEntries(task.outputs.map((port) => [port.name, outputPath(port, name)]));
    const { argv, environment } = buildArgv(task, { inputPaths, outputPaths, values, id: name, tmp });
    const target = (stream: string): number | 'pipe' => {
      const port = task.outputs.find(({ from }) => from === stream);
      return port ? openSync(join(cwd, outputPaths[port.name] ?? ''), 'w') : 'pipe';
    };
    const stdin = inputPaths[('stdin' in command && command.stdin) || ''];
    const from = openSync(typeof stdin === 'string' ? stdin : '/dev/null', 'r');
    const stdio: (number | 'pipe')[] = [from, target('stdout'), target('stderr')];
    const env = { PATH: process.env.PATH, ...task.environment, ...environment };
    const ended = spawnSync(argv[0] ?? '', argv.slice(1), { cwd, env, stdio, encoding: 'utf8' });
    for (const handle of stdio) if (typeof handle === 'number') closeSync(handle);
    const exitCode = ended.status ?? -1;
    if (!task.exitRules.success.includes(exitCode))
      throw new Error(`${name} ended with ${exitCode}: ${ended.stderr ?? ''}`);
    return {
      outputs: Object.fromEntries(task.outputs.map((port) => [port.name, readOutput(port, cwd, task)])),
      exitCode,
    };
  }

  function readOutput(port: OutputPort, cwd: string, task: TaskSpec): Value {
    const found = readdirSync(cwd)
      .filter((name) => picomatch.isMatch(name, port.glob))
      .sort();
    const [first] = found;
    if (first === undefined) {
      if (task.missingOutput === 'CONTINUE') return null;
      throw new Error(`'${port.glob}' is missing`);
    }
    const content = readFileSync(join(cwd, first), 'utf8');
    if (port.read === 'json') return JSON.parse(content) as Value;
    if (port.read === 'text') return content.replace(/\n$/, '');
    return requiredType(port.type).kind === 'array'
      ? found.map((name) => fileValue(join(cwd, name)))
      : fileValue(join(cwd, first));
  }
}

function isSkipped(
  node: PlanNode,
  done: ReadonlyMap<number, { outputs: Values | null; exitCode: number | null }>,
): boolean {
  const { when } = node;
  const code = when?.kind === 'exit' ? done.get(when.node)?.exitCode : undefined;
  if (when?.kind === 'exit' && (code === null || code === undefined || !when.exitCodes.includes(code))) return true;
  return node.requires.some((index) => done.get(index)?.outputs === null);
}
