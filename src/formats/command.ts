/** The short form of a command: `$I1 $O1 $P1 $VALUE $ID $TMP` and `${name}` become parts of an argv. */
import { variableName } from '../domain/argv';
import type { ArgvPart, Command, InputPort, OutputPort, Parameter, ResourceWord } from '../domain/definitions';
import { suggestion } from '../domain/nearest';
import { MAX_COMMAND_LENGTH, splitWords, wordOf } from './words';
import type { Word, WordPart } from './words';

/** What a command may speak of. */
export interface Ports {
  readonly inputs: readonly Pick<InputPort, 'name'>[];
  readonly outputs: readonly Pick<OutputPort, 'name'>[];
  readonly parameters: readonly Pick<Parameter, 'name'>[];
  /** Those of `$MEMORY`, `$CPUS` … that the Task declares. */
  readonly resources: readonly ResourceWord[];
}

export interface CommandProblem {
  readonly message: string;
  readonly hint: string;
}

export type ParsedCommand =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly problems: readonly CommandProblem[] };

/** A command line, or its words one by one. */
export function parseArgv(written: string | readonly string[], ports: Ports): ParsedCommand {
  const split = typeof written === 'string' ? splitWords(written) : { ok: true as const, words: written.map(wordOf) };
  if (!split.ok) return { ok: false, problems: [split] };
  const [program] = split.words;
  if (!program || (program.length === 1 && program[0] && 'text' in program[0] && program[0].text === '')) {
    return { ok: false, problems: [{ message: 'the command is empty', hint: 'Name a program, such as: sort $I1' }] };
  }
  const problems: CommandProblem[] = [];
  const argv = split.words.map((word) => ({ parts: partsOf(word, ports, problems) }));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, command: { kind: 'argv', argv } };
}

/** A script stays as it is; only macros that no port or Parameter stands behind are refused. */
export function parseScript(script: string, ports: Ports): ParsedCommand {
  const problems: CommandProblem[] = [];
  if (script.trim() === '') problems.push({ message: 'the script is empty', hint: 'Write what /bin/sh should run.' });
  if (script.length > MAX_COMMAND_LENGTH) {
    problems.push({ message: 'the script is too long', hint: `At most ${MAX_COMMAND_LENGTH} characters.` });
  }
  if (script.includes('\0')) problems.push({ message: 'the script holds a NUL character', hint: 'Remove it.' });
  for (const [, macro = ''] of script.matchAll(/\$\{?((?:[IOP]|VALUE)[1-9][0-9]*)\b/g)) {
    if (!macroPart(macro, ports)) problems.push(unknownMacro(macro, ports));
  }
  for (const { name } of [...ports.inputs, ...ports.parameters, ...ports.outputs]) {
    if (name.includes('-') && script.includes(`\${${name}}`)) {
      const hint = `Write "$${variableName(name)}".`;
      problems.push({ message: `in a script \${${name}} means something else to the shell`, hint });
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, command: { kind: 'shell', script } };
}

/** The part that a macro stands for, if there is one. */
export function macroPart(macro: string, ports: Ports): ArgvPart | undefined {
  if (macro === 'ID') return { kind: 'id' };
  if (macro === 'TMP') return { kind: 'tmp' };
  const resource = ports.resources.find((word) => word === macro);
  if (resource !== undefined) return { kind: 'resource', name: resource };
  const [, letter, number] = /^(I|O|P|VALUE)([1-9][0-9]*)?$/.exec(macro) ?? [];
  if (letter === undefined || (number === undefined && letter !== 'VALUE')) return namedPart(macro, ports);
  const index = Number(number ?? 1) - 1;
  const input = ports.inputs[index];
  const output = ports.outputs[index];
  const parameter = ports.parameters[index];
  if (letter === 'I') return input && { kind: 'input', port: input.name };
  if (letter === 'O') return output && { kind: 'output', port: output.name };
  return parameter && { kind: letter === 'P' ? 'parameter' : 'value', name: parameter.name };
}

function namedPart(name: string, ports: Ports): ArgvPart | undefined {
  if (ports.inputs.some((port) => port.name === name)) return { kind: 'input', port: name };
  if (ports.outputs.some((port) => port.name === name)) return { kind: 'output', port: name };
  if (ports.parameters.some((parameter) => parameter.name === name)) return { kind: 'parameter', name };
  return undefined;
}

function partsOf(word: Word, ports: Ports, problems: CommandProblem[]): ArgvPart[] {
  return word.map((part: WordPart): ArgvPart => {
    if ('text' in part) return { kind: 'literal', text: part.text };
    const found = macroPart(part.macro, ports);
    if (!found) problems.push(unknownMacro(part.macro, ports));
    return found ?? { kind: 'literal', text: '' };
  });
}

/** The problem of a macro that stands for nothing. */
export function unknownMacro(macro: string, ports: Ports): CommandProblem {
  const numbered = (letter: string, items: readonly unknown[]): string[] =>
    items.map((_, index) => `${letter}${index + 1}`);
  const { inputs, outputs, parameters, resources } = ports;
  const values = parameters.length > 0 ? ['VALUE', ...numbered('VALUE', parameters).slice(1)] : [];
  const macros = [
    ...numbered('I', inputs),
    ...numbered('O', outputs),
    ...numbered('P', parameters),
    ...values,
    'ID',
    'TMP',
    ...resources,
  ];
  const names = [...inputs, ...outputs, ...parameters].map(({ name }) => `{${name}}`);
  const known = [...macros, ...names].map((name) => `$${name}`);
  const hint = `${suggestion(`$${macro}`, known, 'macros')} A dollar sign of your own goes into single quotes, or is $$ in a list of words.`;
  return { message: `unknown macro $${macro}`, hint };
}
