/** The schema: a static part made once by type-graphql, and the Jobs' own fields, made again when definitions change. */
import 'reflect-metadata';
import {
  GraphQLInputObjectType,
  GraphQLObjectType,
  GraphQLSchema,
  validateSchema,
  type GraphQLFieldConfigMap,
  type GraphQLFieldResolver,
} from 'graphql';
import { buildSchemaSync, type NonEmptyArray } from 'type-graphql';
import { authorize } from '../src/domain/authorize';
import type { Catalog } from '../src/engine/catalog';
import type { Context } from './context';
import { DataResolver } from './data/resolver';
import { DefinitionResolver } from './definitions/resolver';
import { JobDurations, StepDurations, SubmissionEstimate } from './durations/resolver';
import { FiringMutations } from './firings/mutations';
import { FiringResolver, ScheduleResolver, SubmissionFiringResolver, TriggerResolver } from './firings/resolver';
import { GraphResolver, JobGraphResolver, SubmissionGraphResolver } from './graphs/resolver';
import { jobFields, type JobFieldParts } from './jobs/jobFields';
import { NodeResolver } from './relay/nodeResolver';
import { DirectoryInput, FileInput } from './submissions/inputs';
import { ResourceResolver, WaitResolver } from './limits/resolver';
import { CombinationsResolver } from './submissions/combinations';
import { PauseResolver } from './pausing/resolver';
import { AgainMutations } from './submissions/again';
import { OutputFilesResolver } from './submissions/outputFiles';
import { SubmissionMutations } from './submissions/mutations';
import { ArtifactResolver, BatchResolver, StepRunResolver } from './submissions/partResolvers';
import { ReusedStepRunResolver, StepRunReuseResolver } from './submissions/reuse';
import { SubmissionResolver } from './submissions/resolver';
import { SubmissionSubscriptions } from './submissions/subscriptions';
import { BackendCheckResolver, BackendHealthOfBackend, BackendHealthResolver, WorkerBackends } from './workers/health';
import { WorkersResolver } from './workers/resolver';

// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- type-graphql's own signature
const RESOLVERS: NonEmptyArray<Function> = [
  NodeResolver,
  DefinitionResolver,
  SubmissionResolver,
  OutputFilesResolver,
  SubmissionMutations,
  AgainMutations,
  SubmissionSubscriptions,
  StepRunResolver,
  ReusedStepRunResolver,
  StepRunReuseResolver,
  BatchResolver,
  CombinationsResolver,
  ArtifactResolver,
  DataResolver,
  WorkersResolver,
  BackendHealthOfBackend,
  BackendHealthResolver,
  BackendCheckResolver,
  WorkerBackends,
  ScheduleResolver,
  TriggerResolver,
  FiringResolver,
  SubmissionFiringResolver,
  FiringMutations,
  PauseResolver,
  ResourceResolver,
  WaitResolver,
  JobDurations,
  StepDurations,
  SubmissionEstimate,
  JobGraphResolver,
  SubmissionGraphResolver,
  GraphResolver,
];

/** type-graphql demands one; every subscription of ours brings its own stream instead. */
const NO_PUBSUB: NonNullable<Parameters<typeof buildSchemaSync>[0]['pubSub']> = {
  publish: () => {
    throw new Error('subscriptions read from the live hub');
  },
  subscribe: () => {
    throw new Error('subscriptions read from the live hub');
  },
};

/** The part of the schema that no definition changes: what `schema/schema.graphql` holds. */
export function buildStaticSchema(): GraphQLSchema {
  return buildSchemaSync({
    resolvers: RESOLVERS,
    validate: false,
    pubSub: NO_PUBSUB,
    orphanedTypes: [FileInput, DirectoryInput],
  });
}

const EMPTY: Catalog = {
  stamp: '',
  backends: new Map(),
  tasks: new Map(),
  jobs: new Map(),
  schedules: new Map(),
  resources: new Map(),
  triggers: new Map(),
};

/** The static schema with a mutation field for each Job, every root field behind the authorization point. */
export function buildServedSchema(base: GraphQLSchema, catalog: Catalog = EMPTY): GraphQLSchema {
  const config = base.toConfig();
  const mutation = base.getMutationType();
  if (!mutation) throw new Error('the schema has no mutations');
  const parts: JobFieldParts = {
    fileInput: inputNamed(base, 'FileInput'),
    directoryInput: inputNamed(base, 'DirectoryInput'),
    submitOptions: inputNamed(base, 'SubmitOptions'),
    submitPayload: objectNamed(base, 'SubmitPayload'),
  };
  const mutationConfig = mutation.toConfig();
  const extended = new GraphQLObjectType({
    ...mutationConfig,
    fields: { ...mutationConfig.fields, ...jobFields(catalog, parts) },
  });
  const guardedTypes = {
    query: guarded(base.getQueryType()),
    mutation: guarded(extended),
    subscription: guarded(base.getSubscriptionType()),
  };
  const roots = new Set(['Query', 'Mutation', 'Subscription']);
  const schema = new GraphQLSchema({
    ...config,
    ...guardedTypes,
    types: config.types.filter((type) => !roots.has(type.name)),
  });
  const errors = validateSchema(schema);
  if (errors.length > 0) throw new Error(errors.map((error) => error.message).join('\n'));
  return schema;
}

/** The root type with the authorization point before every field: no resolver can be forgotten. */
function guarded(type: GraphQLObjectType | null | undefined): GraphQLObjectType | undefined {
  if (!type) return undefined;
  const config = type.toConfig();
  const fields: GraphQLFieldConfigMap<unknown, unknown> = Object.fromEntries(
    Object.entries(config.fields).map(([name, field]) => {
      const before = (
        next: GraphQLFieldResolver<unknown, unknown> | undefined,
      ): GraphQLFieldResolver<unknown, unknown> | undefined =>
        next &&
        ((root, args, context, info) => {
          authorize((context as Context).viewer, { action: `${type.name}.${name}` });
          return next(root, args, context, info);
        });
      return [name, { ...field, resolve: before(field.resolve), subscribe: before(field.subscribe) }];
    }),
  );
  return new GraphQLObjectType({ ...config, fields });
}

function inputNamed(schema: GraphQLSchema, name: string): GraphQLInputObjectType {
  const type = schema.getType(name);
  if (type instanceof GraphQLInputObjectType) return type;
  throw new Error(`the schema has no input type ${name}`);
}

function objectNamed(schema: GraphQLSchema, name: string): GraphQLObjectType {
  const type = schema.getType(name);
  if (type instanceof GraphQLObjectType) return type;
  throw new Error(`the schema has no type ${name}`);
}
