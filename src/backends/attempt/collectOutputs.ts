/** Turns what a command left behind into the typed values of its Task's outputs. */
import { lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ArtifactStore, StoredArtifact } from '../../artifacts/store';
import { outputPath } from '../../domain/argv';
import type { OutputPort } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';
import { secondaryName } from '../../domain/secondaryFiles';
import { checkValue } from '../../domain/typing';
import { isOptional, requiredType, type DirectoryValue, type FileValue } from '../../domain/values';
import type { Value, Values, ValueType } from '../../domain/values';
import type { AttemptPlace } from '../backend';
import { listOutputs, matching, needsWalk, resolveOutput, type Found } from './findOutputs';
import { sniffMediaType } from '../../artifacts/mediaType';
import { parseOutput, refuseStrange } from './parseOutput';
import { returnedPaths, returnsFiles } from './returnedFiles';

/** An output that is read into a value may hold so much; the rest belongs into files. In bytes. */
export const MAX_READ_BYTES = 1024 * 1024;

/** Of one output's faults so many are told. */
const MAX_TOLD = 5;

export interface CollectRequest {
  readonly ports: readonly OutputPort[];
  readonly stepRunId: string;
  readonly directory: AttemptPlace;
  /** The files into which the streams went, where a port asks for them. */
  readonly streams: { readonly stdout?: string; readonly stderr?: string };
  /** What the command itself returned, by port. */
  readonly returned: Readonly<Record<string, unknown>>;
  readonly artifacts: ArtifactStore;
  /** Its files stay where they are, so that another worker can collect them again. */
  readonly stays: boolean;
  /** Throws to stop between two files. */
  readonly checkpoint: () => void;
}

export interface Collected {
  readonly outputs: Values;
  /** One phrase per missing output, as `readExit` wants them. */
  readonly missing: readonly string[];
  /** One sentence per output that is there and cannot be taken. */
  readonly faults: readonly string[];
}

/** Resolved, and not yet stored: values read, files looked at. */
type Prepared = { readonly value: Value } | { readonly found: Found; readonly beside: readonly Found[] };

interface PreparedPort {
  readonly port: OutputPort;
  readonly items: readonly Prepared[];
}

/**
 * Collects every output that is there; files move into the artifact store, unless they stay. What is missing or cannot be taken is named
 * and does not stop the others. Throws only for the machine's own faults, and what `checkpoint` throws.
 */
export async function collectOutputs(request: CollectRequest): Promise<Collected> {
  const missing: string[] = [];
  const faults: string[] = [];
  const prepared: PreparedPort[] = [];

  // Everything is resolved before anything is moved: a link may point to what another port takes away.
  const needed = request.ports.some((port) => port.from === 'glob' && needsWalk(globOf(port, request.stepRunId)));
  let all: readonly string[] = [];
  try {
    if (needed) all = await listOutputs(request.directory.out);
  } catch (error) {
    faults.push(faultOf(error));
  }
  for (const port of request.ports) {
    request.checkpoint();
    try {
      const items = await prepare(port, all, request, missing);
      if (items.length === 0 && !isOptional(port.type)) missing.push(describeMissing(port, request.stepRunId));
      prepared.push({ port, items });
    } catch (error) {
      faults.push(`Output \`${port.name}\`: ${faultOf(error)}`);
    }
  }

  const stored = new Map<string, StoredArtifact & { readonly mediaType: string }>();
  const outputs: Record<string, Value> = {};
  for (const { port, items } of prepared) {
    const values: Value[] = [];
    for (const item of items)
      values.push('value' in item ? item.value : await storeWith(port, item.found, item.beside));
    const list = requiredType(port.type).kind === 'array' && (port.read !== 'json' || returnsFiles(port));
    const value = list && (values.length > 0 || !isOptional(port.type)) ? values : (values[0] ?? null);
    const reasons = items.length === 0 ? [] : checkValue(port.type, {}, value);
    if (reasons.length === 0) outputs[port.name] = value;
    else faults.push(`Output \`${port.name}\`: ${reasons.slice(0, MAX_TOLD).join('; ')}.`);
  }
  return { outputs, missing, faults };

  async function storeWith(port: OutputPort, found: Found, beside: readonly Found[]): Promise<Value> {
    const stored = await store(found);
    if (stored.class === 'Directory') return stored;
    const secondaryFiles: (FileValue | DirectoryValue)[] = [];
    for (const one of beside) secondaryFiles.push(await store(one));
    return {
      ...stored,
      ...(port.format === undefined ? {} : { format: port.format }),
      ...(secondaryFiles.length === 0 ? {} : { secondaryFiles }),
    };
  }

  async function store(found: Found): Promise<FileValue | DirectoryValue> {
    request.checkpoint();
    if (found.kind === 'folder') {
      const entries: (FileValue | DirectoryValue)[] = [];
      for (const entry of found.entries) entries.push(await store(entry));
      return { class: 'Directory', name: found.name, entries };
    }
    let artifact = stored.get(found.real);
    if (!artifact) {
      const mediaType = await sniffMediaType(found.real, found.name);
      artifact = { ...(await request.artifacts.adopt(found.real, { stays: request.stays })), mediaType };
      stored.set(found.real, artifact);
    }
    const { sha256, size, mediaType } = artifact;
    return { class: 'File', name: found.name, sha256, size, mediaType };
  }
}

async function prepare(
  port: OutputPort,
  all: readonly string[],
  request: CollectRequest,
  missing: string[],
): Promise<Prepared[]> {
  const found = await find(port, all, request);
  if (port.read === 'file' || (port.from === 'value' && returnsFiles(port))) {
    const files: Prepared[] = [];
    for (const entry of found) files.push({ found: entry, beside: await findBeside(port, entry, request, missing) });
    return files;
  }
  if (port.from === 'value') {
    const value = request.returned[port.name];
    refuseStrange(value, port.name);
    // What is returned was parsed from JSON; its type is checked as any output's.
    return value === undefined || value === null ? [] : [{ value: value as Value }];
  }
  const type = requiredType(port.type);
  const items: Prepared[] = [];
  for (const entry of found) {
    if (entry.kind === 'folder')
      throw new StepcastError('BAD_INPUT', `\`${entry.path}\` is a folder and cannot be read.`);
    const itemType: ValueType = type.kind === 'array' && port.read === 'text' ? requiredType(type.items) : type;
    items.push({ value: parseOutput(await readBounded(entry.real, entry.path), port.read, itemType, entry.path) });
  }
  return items;
}

async function find(port: OutputPort, all: readonly string[], request: CollectRequest): Promise<Found[]> {
  const { directory, streams, stepRunId } = request;
  const promised = outputPath(port, stepRunId);
  if (port.from === 'value') {
    const returned = request.returned[port.name];
    if (!returnsFiles(port) || returned === undefined || returned === null) return [];
    const paths = returnedPaths(returned, directory);
    return Promise.all(paths.map((path) => resolveOutput(directory.root, directory.out, path)));
  }
  if (port.from !== 'glob') {
    const file = streams[port.from];
    if (file === undefined) return [];
    const found = await resolveOutput(directory.root, dirname(file), basename(file));
    return [{ ...found, name: basename(promised) || port.from, path: port.from }];
  }
  const paths = matching(directory.out, globOf(port, stepRunId), promised, all);
  const found: Found[] = [];
  for (const path of paths) {
    request.checkpoint();
    const entry = await resolveOutput(directory.root, directory.out, path);
    if (wants(port, entry.kind)) found.push(entry);
  }
  const list = requiredType(port.type).kind === 'array' && port.read !== 'json';
  if (list || found.length <= 1) return found;
  const told = found.find((entry) => entry.path === promised);
  if (told) return [told];
  const names = found.slice(0, 3).map((entry) => `\`${entry.path}\``);
  throw new StepcastError(
    'BAD_INPUT',
    `${found.length} files match \`${port.glob}\` (${names.join(', ')}${found.length > 3 ? ', …' : ''}), and it takes one. Narrow the glob, or declare the output as a list.`,
  );
}

/** The secondary files of a file that was found; what must be there and is not is named in `missing`. */
async function findBeside(
  port: OutputPort,
  { kind, name, path }: Found,
  { directory }: CollectRequest,
  missing: string[],
): Promise<Found[]> {
  if (kind === 'folder') return [];
  const found: Found[] = [];
  for (const { pattern, required } of port.secondaryFiles ?? []) {
    const beside = join(dirname(path), secondaryName(name, pattern));
    if (lstatSync(join(directory.out, beside), { throwIfNoEntry: false })) {
      found.push(await resolveOutput(directory.root, directory.out, beside));
    } else if (required) missing.push(`\`${port.name}\` (beside \`${path}\` there is no \`${beside}\`)`);
  }
  return found;
}

function wants(port: OutputPort, kind: Found['kind']): boolean {
  const type = requiredType(port.type);
  const item = type.kind === 'array' ? requiredType(type.items) : type;
  if (item.kind === 'Any') return true;
  return (item.kind === 'Directory') === (kind === 'folder');
}

const globOf = (port: OutputPort, stepRunId: string): string => port.glob.replaceAll('$ID', () => stepRunId);

function describeMissing(port: OutputPort, stepRunId: string): string {
  if (port.from === 'value') return `\`${port.name}\` (nothing was returned under this name)`;
  if (port.from !== 'glob') return `\`${port.name}\` (nothing was taken from ${port.from})`;
  return `\`${port.name}\` (nothing matches \`${globOf(port, stepRunId)}\`)`;
}

async function readBounded(path: string, shown: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_READ_BYTES) {
      throw new StepcastError(
        'LIMIT_EXCEEDED',
        `\`${shown}\` holds ${size} bytes, and a value may hold ${MAX_READ_BYTES}. Declare the output as a File instead.`,
      );
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** The sentence of a fault that is the command's own; others go on up. */
function faultOf(error: unknown): string {
  if (error instanceof StepcastError && (error.code === 'BAD_INPUT' || error.code === 'LIMIT_EXCEEDED')) {
    return error.message;
  }
  throw error;
}
