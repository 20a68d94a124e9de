/** From the written form of a Task to its full form. */
import { variableName } from '../domain/argv';
import type { Command, InputPort, OutputPort, Parameter, TaskSpec } from '../domain/definitions';
import { formatType, isOptional, optionalType, requiredType, scalar } from '../domain/values';
import type { ValueType } from '../domain/values';
import type { Named } from './forms/form';
import type { InputForm, ParameterForm, TaskForm } from './forms/taskForm';
import { macroPart, parseArgv, parseScript } from './command';
import type { Ports } from './command';
import { computedCommand } from './expandExpressionTask';
import { captured, maybeMissing, outputsOf } from './expandOutputs';
import { requestCommand, type RequestPorts } from './expandRequest';
import { declaredResourceWords, runRulesOf } from './expandRun';
import { scriptOf, type ScriptFiles } from './scriptFiles';
import { boundsOf, checkedDefault, declaredType } from './expandPort';
import { traitsOf } from './expandTraits';
import { maxRunningOf, usesOf } from './expandLimits';
import { suggestion } from '../domain/nearest';
import { staysInside } from './outputGlob';
import type { Path, Report } from './problem';

/** The full form; what is wrong goes to the report, and the result is then not to be used. */
export function expandTask(form: TaskForm, report: Report, scripts?: ScriptFiles): TaskSpec {
  const inputs = inputsOf(form, report);
  const parameters = form.parameters.map((entry) => parameterOf(entry, report));
  const declared = outputsOf(form, report);
  const withStdout = captured('stdout', form, declared, report);
  const outputs = captured('stderr', form, withStdout, report).map((output) => maybeMissing(output, form));
  const ports = { inputs, outputs, parameters, resources: declaredResourceWords(form) };
  // What is computed has no macros and variables: an output may be called like the input that it follows from.
  if (!form.expression) checkNames(form, ports, report);
  const command = commandOf(form, ports, report, scripts);
  checkPaths(form, outputs, command, report);
  return {
    name: form.name,
    description: form.description,
    backend: form.backend,
    ...(form.image === undefined ? {} : { image: form.image }),
    inputs,
    parameters,
    outputs,
    command,
    environment: form.environment,
    ...runRulesOf(form, report),
    missingOutput: form['missing-output'],
    configuration: form.configuration,
    ...(form.reuse === undefined ? {} : { reuse: form.reuse }),
    ...maxRunningOf(form),
    ...usesOf(form),
  };
}

function inputsOf(form: TaskForm, report: Report): InputPort[] {
  if (form.in && form.inputs)
    report.add(['in'], "both 'in' and 'inputs' are given", "Keep one: 'in' is the short form.");
  if (form.in)
    return form.in.map((glob, index) => ({ name: `in${index + 1}`, description: '', type: scalar('File'), glob }));
  return (form.inputs ?? []).map(({ name, value, key }: Named<InputForm>) => {
    const path = ['inputs', key];
    const type = declaredType(value, path, report) ?? scalar('File');
    return {
      name,
      description: value.description,
      type,
      ...checkedDefault(type, {}, value.default, path, report),
      ...traitsOf(value, type, path, report),
      ...tableOf(value, type, form, path, report),
      ...(value.glob === undefined ? {} : { glob: value.glob }),
    };
  });
}

/** Whether the script gets the port's files as tables. */
function tableOf(
  { as }: InputForm,
  type: ValueType,
  form: TaskForm,
  path: Path,
  report: Report,
): Pick<InputPort, 'as'> {
  if (as === undefined) return {};
  if (form.script === undefined)
    report.add([...path, 'as'], 'only a script gets tables', "Remove 'as'; a command gets the path of the file.");
  const required = requiredType(type);
  const item = required.kind === 'array' ? requiredType(required.items) : required;
  if (item.kind !== 'File')
    report.add([...path, 'as'], `only a File is read as a table, and this is ${formatType(type)}`, 'Remove it.');
  return { as };
}

const PARAMETER_KINDS = new Set(['boolean', 'int', 'long', 'float', 'double', 'string', 'enum']);

function parameterOf({ name, value, key }: Named<ParameterForm>, report: Report): Parameter {
  const path = ['parameters', key];
  const given = declaredType(value, path, report) ?? (value.switch ? scalar('boolean') : undefined);
  if (!given) report.add(path, `the type of '${name}' is missing`, 'Add it, such as {type: int}.');
  const type = given ?? scalar('string');
  if (!PARAMETER_KINDS.has(requiredType(type).kind)) {
    report.add(
      [...path, 'type'],
      `a parameter cannot be ${formatType(type)}`,
      'Data comes by an input; a parameter is a single value.',
    );
  }
  checkSwitch(name, value, type, path, report);
  const fallback = value.switch && value.default === undefined ? false : value.default;
  if (value.required === true && value.default !== undefined) {
    report.add([...path, 'required'], `'${name}' is required and has a default`, 'Remove one of the two.');
  }
  const required = fallback === undefined && (value.required ?? !isOptional(type));
  if (required && isOptional(type))
    report.add([...path, 'required'], `'${name}' is required and optional`, "Remove the '?' of its type.");
  const bounds = boundsOf(value);
  return {
    name,
    description: value.description,
    type: required || fallback !== undefined ? type : optionalType(type),
    required,
    spacing: value.spacing,
    switch: value.switch,
    ...(value.flag === undefined ? {} : { flag: value.flag }),
    ...bounds,
    ...checkedDefault(type, bounds, fallback, path, report),
  };
}

function checkSwitch(name: string, value: ParameterForm, type: ValueType, path: Path, report: Report): void {
  if (!value.switch) return;
  if (requiredType(type).kind !== 'boolean')
    report.add([...path, 'type'], `the switch '${name}' is no boolean`, 'Remove its type, or the switch.');
  if (value.flag === undefined)
    report.add(path, `the switch '${name}' has no flag`, 'Add what is printed when it is on: flag: -x');
}

/** Ports and Parameters share their names: macros and links find them by name alone. */
function checkNames(form: TaskForm, { inputs, outputs, parameters, resources }: Ports, report: Report): void {
  const seen = new Map<string, string>();
  const asVariables = form.shell || form.script !== undefined || form.query !== undefined;
  const plain = (name: string): string => (asVariables ? variableName(name) : name);
  const all = [
    ...inputs.map(({ name }) => ({ name, section: 'inputs' })),
    ...parameters.map(({ name }) => ({ name, section: 'parameters' })),
    ...outputs.map(({ name }) => ({ name, section: 'outputs' })),
  ];
  for (const { name, section } of all) {
    const earlier = seen.get(plain(name));
    if (earlier !== undefined)
      report.add([section, name], `'${name}' is already in ${earlier}`, 'Give every port and parameter its own name.');
    seen.set(plain(name), section);
    if (MACRO_NAME.test(name) || resources.some((word) => word === name))
      report.add([section, name], `'${name}' is the name of a macro`, 'Choose another name.');
    else if (form.shell && RESERVED_VARIABLE.test(plain(name))) {
      report.add([section, name], `the shell needs the variable ${plain(name)} for itself`, 'Choose another name.');
    }
  }
}

const MACRO_NAME = /^([IOP][1-9]\d*|VALUE\d*|ID|TMP)$/;
const RESERVED_VARIABLE =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|IFS|ENV|PS[124]|PWD|OLDPWD|CDPATH|PPID|LINENO|OPT\w+|(LD|DYLD|BASH)_\w+)$/;

function commandOf(form: TaskForm, ports: RequestPorts, report: Report, scripts?: ScriptFiles): Command {
  if (form.expression) return computedCommand(form, form.expression, report);
  const written = WAYS_TO_RUN.filter((way) => form[way] !== undefined);
  if (written.length > 1)
    report.add(
      [written[1] ?? ''],
      `'${written.join("' and '")}' are given`,
      'A task runs in one way: keep one of them.',
    );
  const stdin = stdinOf(form, ports, report);
  const fed = stdin === undefined ? {} : { stdin };
  if (form.script !== undefined) return { kind: 'script', ...scriptOf('script', form.script, scripts, report), ...fed };
  if (form.query !== undefined) return { kind: 'query', sql: scriptOf('query', form.query, scripts, report).source };
  if (form.request !== undefined) return requestCommand(form, form.request, ports, report);
  if (form.command === undefined) {
    report.add(
      [],
      "'command' is missing",
      'Say what runs, such as: command: sort $I1. Or give a script, a query, a request or an expression.',
    );
    return { kind: 'argv', argv: [] };
  }
  return writtenCommand(form, form.command, ports, fed, report);
}

const WAYS_TO_RUN = ['command', 'script', 'query', 'request'] as const;

function writtenCommand(
  { shell }: TaskForm,
  written: string | string[],
  ports: Ports,
  fed: { readonly stdin?: string },
  report: Report,
): Command {
  const nothing: Command = { kind: 'argv', argv: [] };
  if (shell && typeof written !== 'string') {
    report.add(
      ['command'],
      'a script is one text',
      "Write 'command: |' and the lines of the script below, or remove 'shell: true'.",
    );
    return nothing;
  }
  const parsed = shell && typeof written === 'string' ? parseScript(written, ports) : parseArgv(written, ports);
  if (parsed.ok) return { ...parsed.command, ...fed };
  for (const { message, hint } of parsed.problems) report.add(['command'], message, hint);
  return nothing;
}

function stdinOf(form: TaskForm, ports: Ports, report: Report): string | undefined {
  if (form.stdin === undefined) return undefined;
  const macro = form.stdin.replace(/^\$\{?([\w-]+)\}?$/, '$1');
  const part = macroPart(macro, { ...ports, outputs: [], parameters: [] });
  const port = part?.kind === 'input' ? part.port : undefined;
  const names = ports.inputs.map(({ name }) => name);
  if (port === undefined) {
    report.add(['stdin'], `'${form.stdin}' is no input`, `Write $I1 or a name. ${suggestion(macro, names, 'inputs')}`);
    return undefined;
  }
  const type = form.inputs?.find(({ name }) => name === port)?.value.type;
  if (type && requiredType(type).kind !== 'File') {
    report.add(
      ['stdin'],
      `'${port}' is ${formatType(type)}, and only a File is read from standard input`,
      'Choose a File.',
    );
  }
  return port;
}

function checkPaths(form: TaskForm, outputs: readonly OutputPort[], command: Command, report: Report): void {
  if (command.kind === 'expression') return;
  outputs.forEach((output, index) => {
    const path: Path = ['outputs', form.outputs?.find(({ name }) => name === output.name)?.key ?? output.name];
    if (output.from === 'value') return;
    if (!staysInside(output.glob) || (output.path !== '' && !staysInside(output.path))) {
      report.add(path, `'${output.name}' lies outside the folder of the run`, 'Give a relative path without `..`.');
    }
    const needed = output.from !== 'glob' || refersTo(command, output.name, index);
    if (output.path === '' && needed) {
      report.add(
        path,
        `the file name of '${output.name}' does not follow from its glob '${output.glob}'`,
        'Add what it is called: path: $ID.txt',
      );
    }
  });
}

function refersTo(command: Exclude<Command, { kind: 'expression' }>, port: string, index: number): boolean {
  if (command.kind === 'script' || command.kind === 'query' || command.kind === 'request') return false;
  if (command.kind === 'shell')
    return new RegExp(`\\$\\{?(O${index + 1}|${variableName(port)})\\b`).test(command.script);
  return command.argv.some((term) => term.parts.some((part) => part.kind === 'output' && part.port === port));
}
