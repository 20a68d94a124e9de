import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { StepcastError } from '../../src/domain/errors';
import { WorkerRow } from '../../src/store/entities';
import { findUpload } from '../../src/store/uploads';
import type { Context } from '../context';
import { toUpload, UploadType } from '../data/resolver';
import { BackendType, JobType, TaskType, toBackend, toJob, toTask } from '../definitions/types';
import { getFiring } from '../firings/reads';
import { FiringType, ScheduleType, toSchedule, toTrigger, TriggerType } from '../firings/types';
import { ResourceType, toResource } from '../limits/types';
import * as reads from '../submissions/reads';
import { ArtifactType, BatchType, SubmissionType, toArtifact, toBatch } from '../submissions/types';
import { StepRunType } from '../submissions/stepTypes';
import { toWorker, WorkerType } from '../workers/resolver';
import { Node } from './connection';
import { fromId, parseId, type NodeType } from './ids';

/** An entity with its class, by which GraphQL tells the type behind the interface. */
type Finder = (context: Context, key: string) => Promise<Node | null>;

const as = <T extends Node>(type: new () => T, value: T | null): T | null =>
  value ? Object.assign(new type(), value) : null;

const FINDERS: Readonly<Record<NodeType, Finder>> = {
  Submission: async ({ services }, key) => as(SubmissionType, await reads.getSubmission(services.db, key)),
  StepRun: async ({ services }, key) => as(StepRunType, await reads.getStepRun(services.db, key)),
  Batch: async ({ services }, key) => {
    const row = await reads.getBatch(services.db, key);
    return as(BatchType, row && toBatch(row));
  },
  Artifact: async ({ services }, key) => {
    const row = await reads.findArtifact(services.db, key);
    return as(
      ArtifactType,
      row && (await reads.findSubmission(services.db, row.submissionId)) ? toArtifact(row) : null,
    );
  },
  Upload: async ({ services, viewer }, key) => {
    const row = await findUpload(services.db, key);
    return as(UploadType, row && row.submitter === viewer.name ? toUpload(services, row) : null);
  },
  Worker: async ({ services }, key) => {
    const row = await services.db.em().findOne(WorkerRow, { id: key });
    return as(WorkerType, row && toWorker(row));
  },
  Job: ({ services }, key) => {
    const entry = services.catalog.current().jobs.get(key);
    return Promise.resolve(as(JobType, entry ? toJob(entry) : null));
  },
  Task: ({ services }, key) => {
    const entry = services.catalog.current().tasks.get(key);
    return Promise.resolve(as(TaskType, entry ? toTask(entry) : null));
  },
  Schedule: ({ services }, key) => {
    const entry = services.catalog.current().schedules.get(key);
    return Promise.resolve(as(ScheduleType, entry ? toSchedule(entry) : null));
  },
  Trigger: ({ services }, key) => {
    const entry = services.catalog.current().triggers.get(key);
    return Promise.resolve(as(TriggerType, entry ? toTrigger(entry) : null));
  },
  Firing: async ({ services }, key) => as(FiringType, await getFiring(services.db, key)),
  Resource: ({ services }, key) => {
    const entry = services.catalog.current().resources.get(key);
    return Promise.resolve(as(ResourceType, entry ? toResource(entry) : null));
  },
  Backend: ({ services }, key) => {
    const entry = services.catalog.current().backends.get(key);
    return Promise.resolve(as(BackendType, entry ? toBackend(entry) : null));
  },
};

@Resolver()
export class NodeResolver {
  @Query(() => Node, { nullable: true, description: 'Anything by its id; null when it does not exist (any more).' })
  async node(
    @Arg('id', () => ID, { description: 'The id.' }) id: string,
    @Ctx() context: Context,
  ): Promise<Node | null> {
    const type = parseId(id)?.type;
    if (type === undefined || !(type in FINDERS)) return null;
    try {
      return await FINDERS[type as NodeType](context, fromId(type as NodeType, id));
    } catch (error) {
      if (error instanceof StepcastError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }
}
