import { z } from 'zod';
import type { Api } from '../client/api';
import { CommandError, EXIT } from '../client/commandError';
import { pages } from '../client/pages';
import { followLog } from '../client/stepLog';
import { followEvents, kindOf, readSteps } from '../client/submissions';
import type { Terminal } from '../terminal';

export interface LogOptions {
  readonly api: Api;
  readonly terminal: Terminal;
  readonly follow: boolean;
  /** Only this step of a submission. */
  readonly step?: string;
  readonly signal: AbortSignal;
}

interface LogStep {
  readonly id: string;
  readonly name: string;
}

const Chunk = z.object({ base64: z.string() });
const LOG = `query ($id: ID!, $after: String) {
  stepRun(id: $id) { log(after: $after) { nodes { base64 } pageInfo { hasNextPage endCursor } } }
}`;

/** Writes the log of a step, or of the steps of a submission, as it is or until its end. Throws CommandError. */
export async function showLogs(id: string, options: LogOptions): Promise<void> {
  const kind = await kindOf(options.api, id);
  if (kind === 'StepRun') return writeLog({ id, name: '' }, options, '');
  if (kind !== 'Submission') {
    throw new CommandError(EXIT.refused, [`${id} is a ${kind}: only submissions and step runs have a log.`]);
  }
  const steps = await readSteps(options.api, id);
  const wanted = options.step === undefined ? steps : steps.filter(({ name }) => name === options.step);
  if (wanted.length === 0) {
    throw new CommandError(EXIT.refused, [
      `The submission has no step ${options.step ?? ''}. Its steps are ${steps.map(({ name }) => name).join(', ')}.`,
    ]);
  }
  const prefix = ({ name }: LogStep): string => (wanted.length > 1 ? `${name} | ` : '');
  if (options.follow) return followAll(id, wanted, options, prefix);
  for (const step of wanted) await writeLog(step, options, prefix(step));
}

/** Each step from its start on, so that no more logs are open than steps run. */
async function followAll(
  id: string,
  wanted: readonly LogStep[],
  options: LogOptions,
  prefix: (step: LogStep) => string,
): Promise<void> {
  const open = new Map<string, Promise<void>>();
  for await (const { type, state, stepRunId } of followEvents(options.api, id, { signal: options.signal })) {
    const step = wanted.find((one) => one.id === stepRunId);
    if (!step || type !== 'STEP_STATE' || state !== 'RUNNING' || open.has(step.id)) continue;
    const writing = writeLog(step, options, prefix(step));
    writing.catch(() => undefined);
    open.set(step.id, writing);
  }
  await Promise.all(open.values());
}

async function writeLog(step: LogStep, { api, terminal, follow, signal }: LogOptions, prefix: string): Promise<void> {
  const pieces = follow
    ? followLog(api, step.id, { signal })
    : pages(api, { node: Chunk, query: LOG, variables: { id: step.id }, at: ['stepRun', 'log'] });
  if (prefix === '') {
    for await (const { base64 } of pieces) await write(terminal, Buffer.from(base64, 'base64'));
    return;
  }
  const lines = new TextDecoder();
  let open = '';
  for await (const { base64 } of pieces) {
    const parts = (open + lines.decode(Buffer.from(base64, 'base64'), { stream: true })).split('\n');
    open = parts.pop() ?? '';
    if (open.length > MAX_LINE_CHARACTERS) parts.push(open.slice(0, MAX_LINE_CHARACTERS));
    if (open.length > MAX_LINE_CHARACTERS) open = open.slice(MAX_LINE_CHARACTERS);
    if (parts.length > 0) await write(terminal, parts.map((line) => `${prefix}${line}\n`).join(''));
  }
  if (open !== '') await write(terminal, `${prefix}${open}\n`);
}

/** A line without an end must not fill the memory. */
const MAX_LINE_CHARACTERS = 16_384;

/** Waits for a slow reader: what is not read is not fetched. */
async function write({ out }: Terminal, content: string | Buffer): Promise<void> {
  if (out.write(content)) return;
  await new Promise((resolve) => out.once('drain', resolve));
}
