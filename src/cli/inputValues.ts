import { CommandError, EXIT } from './client/commandError';
import { localFile, localFolder, type LocalFile, type LocalFolder } from './localFiles';

/** An input of a job as the server describes it: the type as text, such as `File`, `int?` or `string[]`. */
export interface InputPort {
  readonly name: string;
  readonly type: string;
  readonly default: unknown;
  /** Endings of the files that go with each of its files. */
  readonly secondaryFiles?: readonly string[];
}

export type InputValue = LocalFile | LocalFolder | string | number | boolean | null | readonly InputValue[] | object;

const NUMBERS = ['int', 'long', 'float', 'double'];

/** Reads `name=value` words by the types of the job. Throws CommandError with a line for each that is wrong. */
export function readInputs(
  job: string,
  ports: readonly InputPort[],
  given: readonly string[],
  flag = '--input',
): Promise<Record<string, InputValue>> {
  return readWords({ job, ports, given, flag }, valueOf);
}

/** Reads `name=value,value` words: a list of values for each input. Throws CommandError like `readInputs`. */
export function readMatrix(
  job: string,
  ports: readonly InputPort[],
  given: readonly string[],
): Promise<Record<string, readonly InputValue[]>> {
  return readWords({ job, ports, given, flag: '--matrix' }, async (port, words) => {
    const lists = await Promise.all(
      words.map(async (word): Promise<readonly InputValue[]> => {
        const whole = word.startsWith('[') ? jsonOf(word) : undefined;
        if (Array.isArray(whole)) return whole as InputValue[];
        return Promise.all(word.split(',').map((one) => valueOf(port, [one])));
      }),
    );
    return lists.flat();
  });
}

type Typed = Pick<InputPort, 'type' | 'secondaryFiles'>;

interface Words {
  readonly job: string;
  readonly ports: readonly InputPort[];
  readonly given: readonly string[];
  readonly flag: string;
}

/** The words of each input, read together. */
async function readWords<T>(
  { job, ports, given, flag }: Words,
  read: (port: Typed, words: readonly string[]) => Promise<T>,
): Promise<Record<string, T>> {
  const wrong: string[] = [];
  const texts = new Map<InputPort, string[]>();
  for (const word of given) {
    const at = word.indexOf('=');
    const name = at < 0 ? word : word.slice(0, at);
    const port = ports.find((one) => one.name === name);
    if (at < 1) wrong.push(`${flag} ${word}: write it as NAME=VALUE.`);
    else if (!port) wrong.push(`${flag} ${word}: ${job} has no input ${name}. ${listOf(ports)}`);
    else texts.set(port, [...(texts.get(port) ?? []), word.slice(at + 1)]);
  }
  const values: Record<string, T> = {};
  for (const [port, words] of texts) {
    try {
      values[port.name] = await read(port, words);
    } catch (error) {
      wrong.push(`${port.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (wrong.length > 0) throw new CommandError(EXIT.refused, wrong);
  return values;
}

function listOf(ports: readonly InputPort[]): string {
  if (ports.length === 0) return 'It takes none.';
  return `Its inputs are ${ports.map(({ name, type }) => `${name} (${type})`).join(', ')}.`;
}

async function valueOf(port: Typed, words: readonly string[]): Promise<InputValue> {
  const { type, secondaryFiles: endings = [] } = port;
  const optional = type.endsWith('?');
  const plain = optional ? type.slice(0, -1) : type;
  const single = words[0] ?? '';
  if (plain.endsWith('[]')) {
    const item = plain.slice(0, -2);
    const whole = words.length === 1 && single.startsWith('[') ? jsonOf(single) : undefined;
    return Array.isArray(whole)
      ? (whole as InputValue[])
      : Promise.all(words.map((word) => valueOf({ ...port, type: item }, [word])));
  }
  if (words.length > 1) throw new Error(`it takes one ${plain}, and ${words.length} were given.`);
  if (plain === 'File') return localFile(single, endings);
  if (plain === 'Directory') return localFolder(single);
  // A text keeps every character; `null` is a word like any other there.
  if (plain === 'string' || plain.startsWith('enum(')) return single;
  if (optional && single === 'null') return null;
  if (NUMBERS.includes(plain)) {
    if (single.trim() === '' || !Number.isFinite(Number(single))) throw new Error(`"${single}" is no ${plain}.`);
    if (plain === 'long' && !Number.isSafeInteger(Number(single))) throw new Error(`"${single}" is too large.`);
    return Number(single);
  }
  if (plain === 'boolean') {
    if (single !== 'true' && single !== 'false') throw new Error(`"${single}" is neither true nor false.`);
    return single === 'true';
  }
  // Records, unions and lists of lists are written as JSON; a union may also be meant as a text.
  const json = jsonOf(single);
  if (json !== undefined) return json;
  if (plain.startsWith('(') || plain === 'Any') return single;
  throw new Error(`a ${plain} is written as JSON, and "${single}" is none.`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
