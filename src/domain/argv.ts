/** From a Task and its values to the words of a process. Pure: nothing here looks at the disk. */
import type { ArgvPart, ArgvTerm, OutputPort, Parameter, Resources, TaskSpec } from './definitions';
import { StepcastError, unreachable } from './errors';
import { resourceWords } from './resources';
import type { Value, Values } from './values';

/** What one Attempt puts in the place of the macros. */
export interface ArgvContext {
  /** Where the Files and Directories of each input port lie; a list for a port that holds several. Other ports need none. */
  readonly inputPaths: Readonly<Record<string, string | readonly string[]>>;
  /** What `$O1` becomes, by output port; see `outputPath`. */
  readonly outputPaths: Readonly<Record<string, string>>;
  /** Values of input ports and Parameters, defaults filled in. */
  readonly values: Values;
  /** The StepRun's id. */
  readonly id: string;
  /** The Attempt's private temporary folder. */
  readonly tmp: string;
  /** What the Attempt may use; nothing when the Task declares nothing. */
  readonly resources?: Resources;
}

/** A process to start, without the base environment. */
export interface ProcessWords {
  readonly argv: string[];
  /** Only the macros of a shell script; empty for an argv command. */
  readonly environment: Record<string, string>;
}

/** The path an output port promises, with `$ID` filled in. */
export function outputPath(port: OutputPort, id: string): string {
  return port.path.replaceAll('$ID', () => id);
}

/** The variable under which a shell script finds a port or Parameter: `min-length` is `$min_length`. */
export function variableName(name: string): string {
  return name.replaceAll('-', '_');
}

/** The words of the command; none for what its Backend reads in another way. A shell script stays constant: its macros are variables. */
export function buildArgv(task: TaskSpec, context: ArgvContext): ProcessWords {
  const { command } = task;
  switch (command.kind) {
    case 'argv':
      return { argv: command.argv.flatMap((term) => termWords(term, task, context)), environment: {} };
    case 'shell':
      return { argv: ['/bin/sh', '-c', command.script], environment: scriptVariables(task, context) };
    case 'script':
    case 'query':
    case 'request':
      return { argv: [], environment: {} };
    case 'expression':
      throw new StepcastError('INTERNAL', `Task "${task.name}" runs no process`);
    default:
      return unreachable(command);
  }
}

/** The arguments of a Parameter: none when it is absent or a switch that is off. */
export function parameterWords(parameter: Parameter, value: Value | undefined): string[] {
  if (value === null || value === undefined) return [];
  if (parameter.switch) return value === true && parameter.flag !== undefined ? [parameter.flag] : [];
  const text = textOf(value);
  if (parameter.flag === undefined) return [text];
  return parameter.spacing === 'joined' ? [`${parameter.flag}${text}`] : [parameter.flag, text];
}

/**
 * A word that is one macro may become none or several arguments. In a longer word the parts are joined: several files by
 * commas, a flag and its value by a space; a word of which nothing is left is dropped, unless it was written empty.
 */
function termWords(term: ArgvTerm, task: TaskSpec, context: ArgvContext): string[] {
  const [only, ...others] = term.parts;
  if (only && others.length === 0) return partWords(only, task, context);
  const word = term.parts.map((part) => partText(part, task, context)).join('');
  return word === '' && term.parts.length > 0 ? [] : [word];
}

function partText(part: ArgvPart, task: TaskSpec, context: ArgvContext): string {
  return partWords(part, task, context).join(part.kind === 'parameter' ? ' ' : ',');
}

function partWords(part: ArgvPart, task: TaskSpec, context: ArgvContext): string[] {
  switch (part.kind) {
    case 'literal':
      return [part.text];
    case 'input':
      return inputWords(part.port, context);
    case 'output':
      return [outputWord(part.port, context)];
    case 'parameter':
      return parameterWords(parameterOf(task, part.name), context.values[part.name]);
    case 'value':
      return valueWords(context.values[part.name]);
    case 'id':
      return [context.id];
    case 'tmp':
      return [context.tmp];
    case 'resource':
      return [resourceWord(part.name, context)];
    default:
      return unreachable(part);
  }
}

function inputWords(port: string, context: ArgvContext): string[] {
  const path = context.inputPaths[port];
  if (path !== undefined) return typeof path === 'string' ? [path] : [...path];
  return valueWords(context.values[port]);
}

function resourceWord(name: string, context: ArgvContext): string {
  const word = resourceWords(context.resources ?? {})[name];
  if (word === undefined) throw new StepcastError('INTERNAL', `Nothing was given for $${name}.`);
  return word;
}

function outputWord(port: string, context: ArgvContext): string {
  const path = context.outputPaths[port];
  if (path === undefined) throw new StepcastError('INTERNAL', `No path was given for output '${port}'.`);
  return path;
}

function parameterOf(task: TaskSpec, name: string): Parameter {
  const parameter = task.parameters.find((candidate) => candidate.name === name);
  if (!parameter) throw new StepcastError('INTERNAL', `Task '${task.name}' has no parameter '${name}'.`);
  return parameter;
}

function valueWords(value: Value | undefined): string[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value.map(textOf) : [textOf(value)];
}

function textOf(value: Value): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Several files of one port stand on lines of their own. By name, a Parameter is its bare value. */
function scriptVariables(task: TaskSpec, context: ArgvContext): Record<string, string> {
  const numbered = (letter: string, index: number): string => `${letter}${index + 1}`;
  const pairs: [string, string][] = [];
  task.inputs.forEach((port, index) => {
    const text = inputWords(port.name, context).join('\n');
    pairs.push([variableName(port.name), text], [numbered('I', index), text]);
  });
  task.outputs.forEach((port, index) => {
    const path = outputWord(port.name, context);
    pairs.push([variableName(port.name), path], [numbered('O', index), path]);
  });
  task.parameters.forEach((parameter, index) => {
    const value = valueWords(context.values[parameter.name]).join('\n');
    const words = parameterWords(parameter, context.values[parameter.name]).join(' ');
    pairs.push([variableName(parameter.name), value], [numbered('P', index), words], [numbered('VALUE', index), value]);
    if (index === 0) pairs.push(['VALUE', value]);
  });
  const resources = Object.entries(resourceWords(context.resources ?? {}));
  return Object.fromEntries([...pairs, ...resources, ['ID', context.id], ['TMP', context.tmp]]);
}
