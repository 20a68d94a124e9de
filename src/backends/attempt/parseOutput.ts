/** From the bytes of an output to the value that its port declares. */
import { messageOf, StepcastError } from '../../domain/errors';
import { formatType, isDirectoryValue, isFileValue, type Value, type ValueType } from '../../domain/values';

/** Reads text (less its final newline) or JSON. Throws BAD_INPUT, naming `shown`, for what the type cannot hold. */
export function parseOutput(bytes: Buffer, read: 'text' | 'json', type: ValueType, shown: string): Value {
  const text = decode(bytes, shown);
  if (read === 'json') return parseJson(text, shown);
  const line = text.replace(/\r?\n$/, '');
  switch (type.kind) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return parseNumber(line.trim(), type, shown);
    case 'boolean':
      if (line.trim() === 'true' || line.trim() === 'false') return line.trim() === 'true';
      throw unfit(shown, line, type);
    case 'enum':
      if (type.symbols.includes(line.trim())) return line.trim();
      throw unfit(shown, line, type);
    default:
      return line;
  }
}

function parseNumber(text: string, type: ValueType, shown: string): number {
  const number = Number(text);
  const whole = type.kind === 'int' || type.kind === 'long';
  if (text === '' || !Number.isFinite(number) || (whole && !Number.isSafeInteger(number))) {
    throw unfit(shown, text, type);
  }
  return number;
}

function decode(bytes: Buffer, shown: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new StepcastError('BAD_INPUT', `\`${shown}\` is not UTF-8 text. Declare the output as a File instead.`);
  }
  if (text.includes('\0')) throw nul(shown);
  return text;
}

function parseJson(text: string, shown: string): Value {
  let value: Value;
  try {
    value = JSON.parse(text) as Value;
  } catch (error) {
    throw new StepcastError('BAD_INPUT', `\`${shown}\` is not JSON: ${messageOf(error)}`);
  }
  refuseStrange(value, shown);
  return value;
}

/** What nests deeper is refused for that by the check of its type. */
const LOOKED_AT_DEPTH = 100;

/** Throws BAD_INPUT, naming `shown`, for JSON that no value may be: with a NUL in a text, or what stands for a File. */
export function refuseStrange(value: unknown, shown: string, depth = 0): void {
  if (typeof value === 'string' && value.includes('\0')) throw nul(shown);
  if (typeof value !== 'object' || value === null || depth > LOOKED_AT_DEPTH) return;
  if (isFileValue(value) || isDirectoryValue(value)) throw named(shown, value.class);
  for (const part of Object.values(value)) refuseStrange(part, shown, depth + 1);
}

/** The database holds no such text. */
const nul = (shown: string) =>
  new StepcastError('BAD_INPUT', `\`${shown}\` holds a NUL character. Declare the output as a File instead.`);

/** A result names contents of the store; a command that could do so might name those of others. */
const named = (shown: string, what: string) =>
  new StepcastError(
    'BAD_INPUT',
    `\`${shown}\` holds an object of class ${what}, which JSON cannot stand for. Declare an output of type ${what} instead.`,
  );

const SHOWN_CHARACTERS = 60;

function unfit(shown: string, text: string, type: ValueType): StepcastError {
  const sample = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return new StepcastError('BAD_INPUT', `\`${shown}\` holds "${sample}", which is no ${formatType(type)}.`);
}
