import { GraphQLJSON } from 'graphql-scalars';
import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import { BACKEND_KINDS, type BackendKind } from '../../src/domain/backendOptions';
import type { BackendSpec, FileTraits, TaskSpec } from '../../src/domain/definitions';
import { sharesResults } from '../../src/domain/fingerprint';
import { predecessorsOf } from '../../src/domain/graph';
import { mutationFieldName } from '../../src/domain/naming';
import { formatType } from '../../src/domain/values';
import { describeSource } from '../../src/engine/define';
import type { CatalogEntry } from '../../src/engine/catalog';
import type { JobBundle } from '../../src/engine/plans';
import { ScheduleType, TriggerType } from '../firings/types';
import { ResourceType } from '../limits/types';
import { connectionOf, Node } from '../relay/connection';
import { enumOf } from '../relay/enums';
import { toId } from '../relay/ids';
import { UserErrorType } from '../relay/userErrors';

const kinds = Object.entries(BACKEND_KINDS).map(([kind, { description }]) => [kind, description]);
export const BackendKindName = enumOf(
  'BackendKind',
  'The technology behind a Backend.',
  Object.fromEntries(kinds) as Record<BackendKind, string>,
);

@ObjectType('Port', { description: 'A typed input, output or parameter.' })
export class PortType {
  @Field(() => String, { description: 'Its name, unique among its neighbours.' })
  name!: string;
  @Field(() => String, { description: 'Its type, such as `File`, `int?` or `string[]`.' })
  type!: string;
  @Field(() => String, { description: 'What it is for.' })
  description!: string;
  @Field(() => GraphQLJSON, { nullable: true, description: 'The value it has when none is given.' })
  default!: unknown;
  @Field(() => String, { nullable: true, description: 'What its files hold: a name such as `csv`, or an IRI.' })
  format!: string | null;
  @Field(() => [String], {
    description:
      'Endings of the files beside each of its files: `.fai` is put behind the name, each `^` first takes an extension off it; with a `?` behind it the file may be missing.',
  })
  secondaryFiles!: string[];
}

@ObjectType('Configuration', { description: 'A provenance note: software or data behind a result.' })
export class ConfigurationType {
  @Field(() => String, { description: 'SOFTWARE, DATASET or MISC.' })
  kind!: string;
  @Field(() => String, { description: 'Its name.' })
  name!: string;
  @Field(() => String, { description: 'Its version.' })
  version!: string;
  @Field(() => String, { description: 'How it is used, in its own words.' })
  parameters!: string;
}

@ObjectType('Backend', { implements: Node, description: 'Where Tasks run. Each has one queue per priority.' })
export class BackendType extends Node {
  @Field(() => String, { description: 'Unique; Tasks name it.' })
  name!: string;
  @Field(() => BackendKindName, { description: 'The technology behind it.' })
  kind!: BackendKind;
  @Field(() => String, { description: 'What it is for.' })
  description!: string;
  @Field(() => Int, {
    nullable: true,
    description: 'Steps that may run on it at once, over all workers; null when only slots bound it.',
  })
  maxRunning!: number | null;
  @Field(() => Int, { description: 'Grows with each change.' })
  version!: number;
  @Field(() => String, { description: 'The file or door it was defined by.' })
  source!: string;
}

@ObjectType('Task', { implements: Node, description: 'A reusable, versioned unit of work.' })
export class TaskType extends Node {
  @Field(() => String, { description: 'Unique; Steps name it.' })
  name!: string;
  @Field(() => String, { description: 'What it does.' })
  description!: string;
  @Field(() => Int, { description: 'Grows with each change. Older versions stay as they were.' })
  version!: number;
  @Field(() => String, { description: 'The Backend it runs on.' })
  backend!: string;
  @Field(() => Boolean, {
    description: 'Equal runs share their result, unless its Backend names a database, which may change.',
  })
  reuse!: boolean;
  @Field(() => Int, {
    nullable: true,
    description: 'Steps that may run it at once, over all submissions; null when only slots bound it.',
  })
  maxRunning!: number | null;
  @Field(() => [PortType], { description: 'The data it takes.' })
  inputs!: PortType[];
  @Field(() => [PortType], { description: 'The values it takes.' })
  parameters!: PortType[];
  @Field(() => [PortType], { description: 'What it produces.' })
  outputs!: PortType[];
  @Field(() => [ConfigurationType], { description: 'Provenance notes.' })
  configuration!: ConfigurationType[];
  @Field(() => GraphQLJSON, { description: 'The full, expanded definition.' })
  spec!: unknown;
  @Field(() => String, { description: 'The file or door it was defined by.' })
  source!: string;
  @Field(() => Date, { description: 'When this version came to be.' })
  createdAt!: Date;
}

@ObjectType('JobStep', { description: 'A node of a Job.' })
export class JobStepType {
  /** The key of the version of the Job, for field resolvers. */
  jobVersionKey!: string;
  @Field(() => String, { description: 'Unique in the Job.' })
  name!: string;
  @Field(() => String, { nullable: true, description: 'The Task it runs; null when it runs a Job.' })
  task!: string | null;
  @Field(() => String, { nullable: true, description: 'The Job it runs; null when it runs a Task.' })
  job!: string | null;
  @Field(() => [String], { description: 'The ports whose lists it runs once per element of; none: it runs once.' })
  scatter!: string[];
  @Field(() => [String], { description: 'The Steps that must end before it.' })
  predecessors!: string[];
}

@ObjectType('Job', { implements: Node, description: 'A versioned graph of Steps with typed inputs and outputs.' })
export class JobType extends Node {
  /** The key of this version, for field resolvers. */
  versionKey!: string;
  @Field(() => String, { description: 'Unique.' })
  name!: string;
  @Field(() => String, { description: 'What it does.' })
  description!: string;
  @Field(() => Int, { description: 'Grows with each change of the Job or of a Task it uses.' })
  version!: number;
  @Field(() => String, { description: 'Its own typed mutation.' })
  mutationField!: string;
  @Field(() => [PortType], { description: 'What a caller gives.' })
  inputs!: PortType[];
  @Field(() => [PortType], { description: 'What a caller gets.' })
  outputs!: PortType[];
  @Field(() => [JobStepType], { description: 'Its Steps, in the order of definition.' })
  steps!: JobStepType[];
  @Field(() => Float, {
    nullable: true,
    description: 'How long a submission of it may take, in seconds; null: as long as it takes.',
  })
  timeoutSeconds!: number | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Steps of all its submissions that may run at once; null when only slots bound it.',
  })
  maxRunning!: number | null;
  @Field(() => GraphQLJSON, { nullable: true, description: 'Example inputs, when the definition has some.' })
  example!: unknown;
  @Field(() => String, { description: 'The file or door it was defined by.' })
  source!: string;
  @Field(() => Date, { description: 'When this version came to be.' })
  createdAt!: Date;
}

export const BackendConnection = connectionOf('Backend', () => BackendType);
export const TaskConnection = connectionOf('Task', () => TaskType);
export const JobConnection = connectionOf('Job', () => JobType);

@ObjectType({ description: 'What a definition became.' })
export class DefinePayload {
  @Field(() => [JobType], { description: 'Jobs that were defined or changed.' })
  jobs!: JobType[];
  @Field(() => [TaskType], { description: 'Tasks that were defined or changed.' })
  tasks!: TaskType[];
  @Field(() => [BackendType], { description: 'Backends that were defined or changed.' })
  backends!: BackendType[];
  @Field(() => [ScheduleType], { description: 'Schedules that were defined or changed.' })
  schedules!: ScheduleType[];
  @Field(() => [TriggerType], { description: 'Triggers that were defined or changed.' })
  triggers!: TriggerType[];
  @Field(() => [ResourceType], { description: 'Resources that were defined or changed.' })
  resources!: ResourceType[];
  @Field(() => [UserErrorType], { description: 'What must be mended first; with any of these, nothing was changed.' })
  userErrors!: UserErrorType[];
}

@ObjectType({ description: 'What a removal did.' })
export class RemoveDefinitionPayload {
  @Field(() => ID, { nullable: true, description: 'The id of what is no longer served.' })
  removedId!: string | null;
  @Field(() => [UserErrorType], { description: 'Why nothing was removed.' })
  userErrors!: UserErrorType[];
}

interface Declared extends FileTraits {
  readonly name: string;
  readonly type: Parameters<typeof formatType>[0];
  readonly description: string;
  readonly default?: unknown;
}

const toPort = (port: Declared): PortType => ({
  name: port.name,
  type: formatType(port.type),
  description: port.description,
  default: port.default ?? null,
  format: port.format ?? null,
  secondaryFiles: (port.secondaryFiles ?? []).map(({ pattern, required }) => `${pattern}${required ? '' : '?'}`),
});

export function toBackend(entry: CatalogEntry<BackendSpec>): BackendType {
  const { spec } = entry;
  return {
    id: toId('Backend', spec.name),
    name: spec.name,
    kind: spec.kind,
    description: spec.description,
    maxRunning: spec.maxRunning ?? null,
    version: entry.version,
    source: describeSource(entry.source),
  };
}

export function toTask(entry: CatalogEntry<TaskSpec>): TaskType {
  const { spec } = entry;
  return {
    id: toId('Task', spec.name),
    name: spec.name,
    description: spec.description,
    version: entry.version,
    backend: spec.backend,
    reuse: sharesResults(spec, null),
    maxRunning: spec.maxRunning ?? null,
    inputs: spec.inputs.map(toPort),
    parameters: spec.parameters.map(toPort),
    outputs: spec.outputs.map(toPort),
    configuration: spec.configuration.map((one) => ({ ...one })),
    spec,
    source: describeSource(entry.source),
    createdAt: new Date(entry.createdAt),
  };
}

export function toJob(entry: CatalogEntry<JobBundle>): JobType {
  const { job } = entry.spec;
  return {
    id: toId('Job', job.name),
    versionKey: entry.versionId,
    name: job.name,
    description: job.description,
    version: entry.version,
    mutationField: mutationFieldName(job),
    inputs: job.inputs.map(toPort),
    outputs: job.outputs.map(toPort),
    steps: job.steps.map((step) => ({
      jobVersionKey: entry.versionId,
      name: step.name,
      task: step.run.kind === 'task' ? step.run.task : null,
      job: step.run.kind === 'job' ? step.run.job : null,
      scatter: step.scatter ? [...step.scatter.ports] : [],
      predecessors: predecessorsOf(step),
    })),
    timeoutSeconds: job.timeoutSeconds ?? null,
    maxRunning: job.maxRunning ?? null,
    example: job.example ?? null,
    source: describeSource(entry.source),
    createdAt: new Date(entry.createdAt),
  };
}
