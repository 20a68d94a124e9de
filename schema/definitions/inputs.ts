import { GraphQLJSON } from 'graphql-scalars';
import { Field, InputType, Int } from 'type-graphql';
import type { DefinitionRow } from '../../src/store/entities';
import { enumOf } from '../relay/enums';

export type DefinitionKind = DefinitionRow['kind'];

export const DefinitionKindName = enumOf<DefinitionKind>('DefinitionKind', 'What is defined.', {
  BACKEND: 'Where Tasks run.',
  TASK: 'A unit of work.',
  JOB: 'A graph of Steps.',
  SCHEDULE: 'Submits a Job at times.',
  TRIGGER: 'Submits a Job when something happens.',
  RESOURCE: 'Something of which there is only so much.',
});

@InputType({ description: 'Definitions as YAML or JSON text, in the same form as the files.' })
export class ApplyDefinitionsInput {
  @Field(() => String, {
    description: 'One or several documents; see docs/definitions.md. All of them apply, or none.',
  })
  source!: string;
}

@InputType({ description: 'A Task, in the form of the files: the same keys, the same short forms.' })
export class DefineTaskInput {
  @Field(() => String, { description: 'Unique; Steps name it.' })
  name!: string;
  @Field(() => String, { nullable: true, description: 'What it does.' })
  description?: string | null;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'The command line with `$I1`, `$O1`, `$P1` …, or a list of its words.',
  })
  command?: unknown;
  @Field(() => String, {
    nullable: true,
    description: "The container image that it runs in, in place of its backend's.",
  })
  image?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'In place of a command: an expression that gives an object of the outputs, inside the worker.',
  })
  expression?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'In place of a command: source code in the language of the Backend.',
  })
  script?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'In place of a command: SQL over the inputs, for a Backend that runs queries.',
  })
  query?: string | null;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'In place of a command: a call of a service, as "GET /path" or an object with method, path, body …',
  })
  request?: unknown;
  @Field(() => Boolean, {
    nullable: true,
    description: 'Run the command by `/bin/sh`; ports and parameters are then environment variables.',
  })
  shell?: boolean | null;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Data inputs by name: a type, or an object with type, description, default.',
  })
  inputs?: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Short form of inputs: one glob or a list of globs over earlier results.',
  })
  in?: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Parameters by name: type, flag, spacing, default, min, max, allowed …',
  })
  parameters?: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Outputs by name: a glob, or an object with glob, path, type, from, read.',
  })
  outputs?: unknown;
  @Field(() => GraphQLJSON, { nullable: true, description: 'Short form of outputs: one glob or a list.' })
  out?: unknown;
  @Field(() => String, { nullable: true, description: 'The input that feeds standard input.' })
  stdin?: string | null;
  @Field(() => String, { nullable: true, description: 'The output that standard output becomes.' })
  stdout?: string | null;
  @Field(() => String, { nullable: true, description: 'The output that standard error becomes.' })
  stderr?: string | null;
  @Field(() => GraphQLJSON, { nullable: true, description: 'Environment variables to add.' })
  environment?: unknown;
  @Field(() => GraphQLJSON, { nullable: true, description: 'Lists of exit codes: success, temporary, terminate.' })
  exitCodes?: unknown;
  @Field(() => String, { nullable: true, description: 'FAIL (the default), CONTINUE or TERMINATE.' })
  missingOutput?: string | null;
  @Field(() => GraphQLJSON, { nullable: true, description: 'attempts, initial-delay, max-delay, factor, on, grow.' })
  retry?: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Of each attempt: seconds, or a duration such as "10m". Or an object with attempt, queue, step.',
  })
  timeout?: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'How often the command reports progress at least: seconds, or a duration such as "30s".',
  })
  heartbeat?: unknown;
  @Field(() => GraphQLJSON, { nullable: true, description: 'What it may use: memory, cpus, disk.' })
  resources?: unknown;
  @Field(() => GraphQLJSON, { nullable: true, description: 'Provenance notes: kind, name, version, parameters.' })
  configuration?: unknown;
  @Field(() => String, { nullable: true, description: 'The Backend; `local` if not given.' })
  backend?: string | null;
  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether equal runs share their result; if not given, when it takes any input or parameter.',
  })
  reuse?: boolean | null;
  @Field(() => Int, { nullable: true, description: 'Steps that may run it at once, over all submissions.' })
  maxRunning?: number | null;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Resources that a step occupies while it runs: a name, a list, or an object of name and units.',
  })
  uses?: unknown;
}

@InputType({ description: 'A Job, in the form of the files.' })
export class DefineJobInput {
  @Field(() => String, { description: 'Unique; it names the mutation.' })
  name!: string;
  @Field(() => String, { nullable: true, description: 'What it does.' })
  description?: string | null;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Inputs by name: a type, or an object with type, description, default, bounds, validate.',
  })
  inputs?: unknown;
  @Field(() => GraphQLJSON, {
    description: 'Steps by name (task or job, in, after, when, scatter), or a list with `order` numbers.',
  })
  steps!: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'Outputs by name: `step.port`, a list of these, or an object with from, merge, pick.',
  })
  outputs?: unknown;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'How long a submission may take: seconds, or a duration such as "2h".',
  })
  timeout?: unknown;
  @Field(() => GraphQLJSON, { nullable: true, description: 'Example inputs.' })
  example?: unknown;
  @Field(() => Int, { nullable: true, description: 'Steps of all its submissions that may run at once.' })
  maxRunning?: number | null;
}

@InputType({ description: 'A Backend, in the form of the files.' })
export class DefineBackendInput {
  @Field(() => String, { description: 'Unique; Tasks name it.' })
  name!: string;
  @Field(() => String, { description: 'The technology: one of BackendKind.' })
  kind!: string;
  @Field(() => String, { nullable: true, description: 'What it is for.' })
  description?: string | null;
  @Field(() => GraphQLJSON, { nullable: true, description: 'Environment variables to add.' })
  environment?: unknown;
  @Field(() => Int, { nullable: true, description: 'Steps that may run on it at once, over all workers.' })
  maxRunning?: number | null;
  @Field(() => GraphQLJSON, {
    nullable: true,
    description: 'The keys of its kind, as in the files: an object such as { interpreter: "/usr/bin/python3" }.',
  })
  options?: unknown;
}

@InputType({ description: 'What to take away.' })
export class RemoveDefinitionInput {
  @Field(() => DefinitionKindName, { description: 'Its kind.' })
  kind!: DefinitionKind;
  @Field(() => String, {
    description: 'Its name. Only what the API defined can be removed here; files are changed where they lie.',
  })
  name!: string;
}
