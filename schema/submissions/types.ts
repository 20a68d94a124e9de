import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { EVENT_TYPES, SubmissionEvent } from '../../src/domain/events';
import { priorityOf, type PRIORITIES, type SUBMISSION_STATES } from '../../src/domain/states';
import type { ArtifactRow, BatchRow, SubmissionRow } from '../../src/store/entities';
import { connectionOf, Node } from '../relay/connection';
import { toId } from '../relay/ids';
import { EventTypeName, PriorityName, SubmissionStateName } from './enums';

@ObjectType('Submission', { implements: Node, description: 'One run of one Job version on one set of inputs.' })
export class SubmissionType extends Node {
  /** The row's key, for field resolvers. */
  key!: string;
  jobVersionId!: string;
  batchKey!: string | null;
  rerunOfKey!: string | null;
  @Field(() => String, { description: 'The Job it runs.' })
  jobName!: string;
  @Field(() => SubmissionStateName, { description: 'Where it stands.' })
  state!: (typeof SUBMISSION_STATES)[number];
  @Field(() => PriorityName, { description: 'Its place among others.' })
  priority!: (typeof PRIORITIES)[number];
  @Field(() => String, { description: "The submitter's own words." })
  label!: string;
  @Field(() => String, { description: 'Who submitted it.' })
  submitter!: string;
  @Field(() => String, { description: 'Why it failed or was cancelled; empty otherwise.' })
  message!: string;
  @Field(() => Int, {
    description: 'The number of its newest Event. Subscribe to `submissionEvents` after it to miss nothing.',
  })
  lastEventSeq!: number;
  @Field(() => Int, { description: 'StepRuns that have not ended.' })
  unfinishedSteps!: number;
  @Field(() => Int, { description: '1, and one more each time it was resumed.' })
  generation!: number;
  @Field(() => Date, {
    nullable: true,
    description: 'Since when it is paused: what runs goes on, nothing new starts. Null when it is not.',
  })
  pausedAt!: Date | null;
  @Field(() => Date, { nullable: true, description: 'When it is ended as FAILED if it has not ended by then.' })
  deadline!: Date | null;
  @Field(() => Date, { description: 'When it was stored.' })
  createdAt!: Date;
  @Field(() => Date, { nullable: true, description: 'When its first step started.' })
  startedAt!: Date | null;
  @Field(() => Date, { nullable: true, description: 'When it ended.' })
  finishedAt!: Date | null;
}

@ObjectType('Event', { description: 'An immutable, numbered record of something that happened to a Submission.' })
export class EventType {
  @Field(() => ID, { description: 'The Submission.' })
  submissionId!: string;
  @Field(() => Int, { description: 'From 1, without gaps, per Submission.' })
  seq!: number;
  @Field(() => EventTypeName, { description: 'What happened.' })
  type!: (typeof EVENT_TYPES)[number];
  @Field(() => String, { nullable: true, description: 'The new state, when a state changed.' })
  state!: string | null;
  @Field(() => ID, { nullable: true, description: 'The StepRun it speaks of.' })
  stepRunId!: string | null;
  @Field(() => String, { nullable: true, description: 'The name of its Step.' })
  stepName!: string | null;
  @Field(() => Int, { nullable: true, description: 'The number of the Attempt.' })
  attempt!: number | null;
  @Field(() => Int, { nullable: true, description: 'Reported progress, 0–100.' })
  percent!: number | null;
  @Field(() => String, { description: 'In words.' })
  message!: string;
  @Field(() => Date, { description: 'When it happened.' })
  at!: Date;
}

@ObjectType('ActivityEvent', { description: 'An Event of any Submission, with its place in the stream of all.' })
export class ActivityEventType {
  @Field(() => String, { description: 'Give it as `after` to go on behind this one.' })
  cursor!: string;
  @Field(() => EventType, { description: 'The Event.' })
  event!: EventType;
}

@ObjectType('LogChunk', { description: 'A piece of a log.' })
export class LogChunkType {
  @Field(() => Float, { description: 'Offset of its first byte in the log of the StepRun.' })
  offset!: number;
  @Field(() => Float, { description: 'Offset behind its last byte: give it as `after` to go on from here.' })
  nextOffset!: number;
  @Field(() => Int, { description: 'The Attempt that wrote it.' })
  attempt!: number;
  @Field(() => String, { description: 'stdout, stderr, or system for a note of the worker.' })
  stream!: string;
  @Field(() => String, { description: 'The text; bytes that are no UTF-8 are shown as �.' })
  text!: string;
  @Field(() => String, { description: 'The same bytes in base64.' })
  base64!: string;
}

@ObjectType('Artifact', { implements: Node, description: 'A file that a Submission was given or produced.' })
export class ArtifactType extends Node {
  key!: string;
  stepRunKey!: string | null;
  @Field(() => String, { description: 'The file name.' })
  name!: string;
  @Field(() => String, { description: 'The input or output it belongs to.' })
  port!: string;
  @Field(() => Float, { description: 'In bytes.' })
  size!: number;
  @Field(() => String, { description: 'Its media type.' })
  mediaType!: string;
  @Field(() => String, { description: 'Hex SHA-256 of its content.' })
  sha256!: string;
  @Field(() => ID, { nullable: true, description: 'The StepRun that produced it; null for an input.' })
  stepRunId!: string | null;
}

@ObjectType('Batch', { implements: Node, description: 'Several Submissions sent in one call.' })
export class BatchType extends Node {
  key!: string;
  @Field(() => String, { description: "The submitter's own words." })
  label!: string;
  @Field(() => String, { description: 'Who submitted it.' })
  submitter!: string;
  @Field(() => [String], {
    description: 'The inputs that a matrix varies, in its order; empty for a Batch of another kind.',
  })
  matrixInputs!: string[];
  @Field(() => Date, { description: 'When it was stored.' })
  createdAt!: Date;
}

export const SubmissionConnection = connectionOf('Submission', () => SubmissionType);
export const EventConnection = connectionOf('Event', () => EventType);
export const LogChunkConnection = connectionOf('LogChunk', () => LogChunkType);
export const ArtifactConnection = connectionOf('Artifact', () => ArtifactType);

export function toSubmission(row: SubmissionRow): SubmissionType {
  return {
    id: toId('Submission', row.id),
    key: row.id,
    jobVersionId: row.jobVersionId,
    batchKey: row.batchId,
    rerunOfKey: row.reuseFrom,
    jobName: row.jobName,
    state: row.state,
    priority: priorityOf(row.priority),
    label: row.label,
    submitter: row.submitter,
    message: row.message,
    lastEventSeq: row.eventSeq,
    unfinishedSteps: row.unfinished,
    generation: row.generation,
    pausedAt: row.pausedAt,
    deadline: row.finishedAt === null ? row.deadline : null,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}

export function toEvent(event: SubmissionEvent): EventType {
  return {
    ...event,
    submissionId: toId('Submission', event.submissionId),
    stepRunId: event.stepRunId === null ? null : toId('StepRun', event.stepRunId),
    at: new Date(event.at),
  };
}

export function toLogChunk(chunk: { startByte: number; attempt: number; stream: string; data: Buffer }): LogChunkType {
  return {
    offset: chunk.startByte,
    nextOffset: chunk.startByte + chunk.data.length,
    attempt: chunk.attempt,
    stream: chunk.stream,
    text: chunk.data.toString('utf8'),
    base64: chunk.data.toString('base64'),
  };
}

export function toArtifact(row: ArtifactRow): ArtifactType {
  return {
    id: toId('Artifact', row.id),
    key: row.id,
    stepRunKey: row.stepRunId,
    name: row.name,
    port: row.port,
    size: Number(row.size),
    mediaType: row.mediaType,
    sha256: row.sha256,
    stepRunId: row.stepRunId === null ? null : toId('StepRun', row.stepRunId),
  };
}

export function toBatch(row: BatchRow): BatchType {
  return {
    id: toId('Batch', row.id),
    key: row.id,
    label: row.label,
    submitter: row.submitter,
    matrixInputs: row.matrixInputs,
    createdAt: row.createdAt,
  };
}

export function toActivityEvent(item: { event: SubmissionEvent }, cursor: string): ActivityEventType {
  return { cursor, event: toEvent(item.event) };
}
