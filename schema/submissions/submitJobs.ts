/** The way of every submission, typed, generic or batch: check all, then store all. */
import { prepareInputs, type FieldOfInput, type IntakeContext } from '../../src/intake/prepare';
import { UserErrors, userError, type UserError } from '../../src/domain/errors';
import { canonicalJson } from '../../src/domain/digest';
import { isStorable } from '../../src/domain/text';
import type { FileValue, Values } from '../../src/domain/values';
import { submit, type NewBatch, type SubmitRequest, type Submitted, type Within } from '../../src/engine/submit';
import type { FileSources } from '../../src/intake/readFile';
import type { JobVersion } from '../../src/engine/plans';
import { findUpload, uploadedFile } from '../../src/store/uploads';
import type { Context, Services } from '../context';
import type { Viewer } from '../../src/domain/authorize';
import { parseId } from '../relay/ids';
import { artifactFile, findArtifact, findSubmission } from './reads';
import type { SubmitOptions } from './inputs';

/** One Submission as asked for; `inputs` by input name. */
export interface JobRequest {
  readonly version: JobVersion;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly options: SubmitOptions | null;
  /** Where its options stand in the arguments, for errors. */
  readonly field: readonly string[];
  /** Where an input stands; the last part is the caller's name of it. */
  readonly fieldOf: FieldOfInput;
  /** What it takes from an earlier Submission. */
  readonly again?: Again;
  /** Its label, once its inputs are known; that of the options if not given. */
  readonly labelOf?: (inputs: Values) => string;
}

/** A Submission that runs an earlier one again. */
export interface Again {
  /** The key of the earlier one. */
  readonly submissionKey: string;
  /** Its inputs: taken where none is given. */
  readonly inputs: Values;
  /** Steps that run in any case. */
  readonly steps: readonly string[];
}

/** For what the server submits by itself. */
export interface SubmitExtras {
  /** Files by the id of an upload or result: they are used even when the upload has expired or the result was deleted. */
  readonly files?: Readonly<Record<string, FileValue>>;
  /** Decides in the transaction whether anything is stored. */
  readonly within?: Within;
}

const MAX_TEXT = 200;
const MAX_TIMEOUT_SECONDS = 30 * 24 * 3600;

/** Throws UserErrors with everything that is wrong with any of them. */
export async function submitJobs(
  context: Context,
  requests: readonly JobRequest[],
  batch: NewBatch | null,
  { files = {}, within }: SubmitExtras = {},
): Promise<Submitted> {
  const { services, viewer } = context;
  const errors: UserError[] = [];
  const ready: SubmitRequest[] = [];
  const intake = intakeOf(services, viewer, files);
  for (const request of requests) {
    errors.push(...optionErrors(request));
    const prepared = await prepareInputs(
      intake,
      request.version.plan.job,
      request.inputs,
      request.fieldOf,
      request.again?.inputs,
    );
    if (!prepared.ok) {
      errors.push(...prepared.errors);
      continue;
    }
    ready.push({
      version: request.version,
      inputs: prepared.inputs,
      priority: request.options?.priority ?? 'NORMAL',
      submitter: viewer.name,
      label: request.labelOf?.(prepared.inputs) ?? request.options?.label ?? '',
      idempotencyKey: request.options?.idempotencyKey ?? null,
      timeoutSeconds: request.options?.timeoutSeconds ?? null,
      reuse: request.options?.reuse ?? true,
      ...(request.again ? { reuseFrom: request.again.submissionKey, rerun: request.again.steps } : {}),
      field: request.field,
    });
  }
  if (errors.length > 0) throw new UserErrors(eachOnce(errors));
  const { db, announcer, limits } = services;
  const { maxQueued, admission } = limits;
  return submit({ db, announcer, maxQueued, admission }, ready, batch, within);
}

/** Submissions that share a value share what is wrong with it. */
const eachOnce = (errors: readonly UserError[]): UserError[] => [
  ...new Map(errors.map((error) => [canonicalJson(error), error])).values(),
];

/** The current version of a Job by name. */
export function jobByName(services: Services, name: string, field: readonly string[]): JobVersion {
  const entry = services.catalog.current().jobs.get(name);
  if (entry) return entry.compiled;
  throw userError(
    'NOT_FOUND',
    `There is no job ${JSON.stringify(name.slice(0, MAX_TEXT))}. The query jobs lists those there are.`,
    field,
  );
}

function optionErrors({ options, field }: JobRequest): UserError[] {
  const tooLong = (name: 'label' | 'idempotencyKey'): UserError[] => {
    const length = options?.[name]?.length ?? 0;
    return length <= MAX_TEXT
      ? []
      : [
          {
            code: 'BAD_INPUT',
            message: `${name} has ${length} characters; the limit is ${MAX_TEXT}.`,
            field: [...field, name],
          },
        ];
  };
  const unstorable = (name: 'label' | 'idempotencyKey'): UserError[] =>
    isStorable(options?.[name] ?? '')
      ? []
      : [
          {
            code: 'BAD_INPUT',
            message: `${name} has a character that is not text, such as NUL.`,
            field: [...field, name],
          },
        ];
  const seconds = options?.timeoutSeconds ?? null;
  const timeout: UserError[] =
    seconds === null || (seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS)
      ? []
      : [
          {
            code: 'BAD_INPUT',
            message: `timeoutSeconds is ${seconds}; give more than 0, and at most ${MAX_TIMEOUT_SECONDS} (30 days).`,
            field: [...field, 'timeoutSeconds'],
          },
        ];
  return [
    ...tooLong('label'),
    ...tooLong('idempotencyKey'),
    ...unstorable('label'),
    ...unstorable('idempotencyKey'),
    ...timeout,
  ];
}

function intakeOf(services: Services, viewer: Viewer, files: Readonly<Record<string, FileValue>>): IntakeContext {
  const sources = fileSources(services, viewer);
  const held = new Map(Object.entries(files));
  return {
    store: services.artifacts,
    scratchDir: services.scratchDir,
    maxInlineBytes: services.limits.maxInlineBytes,
    checked: new Map(),
    sources: {
      upload: async (id) => held.get(id) ?? sources.upload(id),
      result: async (id) => held.get(id) ?? sources.result(id),
    },
  };
}

/** Where the viewer's uploads and earlier results are found, by their opaque ids. */
export function fileSources({ db }: Services, viewer: Viewer): FileSources {
  return {
    upload: async (id) => {
      const parsed = parseId(id);
      if (parsed?.type !== 'Upload') return null;
      const row = await findUpload(db, parsed.key);
      if (!row || row.submitter !== viewer.name || row.expiresAt.getTime() < Date.now()) return null;
      return uploadedFile(row) ?? 'OPEN';
    },
    result: async (id) => {
      const parsed = parseId(id);
      if (parsed?.type !== 'Artifact' || !/^\d{1,18}$/.test(parsed.key)) return null;
      const row = await findArtifact(db, parsed.key);
      // The file of a Submission that is being deleted is gone already, for new ones.
      if (!row || !(await findSubmission(db, row.submissionId))) return null;
      return artifactFile(db, row);
    },
  };
}
