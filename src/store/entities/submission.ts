import { Entity, PrimaryKey, Property } from '@mikro-orm/core';
import type { SubmissionState } from '../../domain/states';

/** Several Submissions sent in one call. */
@Entity({ tableName: 'batch' })
export class BatchRow {
  @PrimaryKey({ type: 'bigint', autoincrement: true })
  id!: string;
  @Property({ type: 'text' })
  submitter!: string;
  @Property({ type: 'text' })
  label!: string;
  /** The inputs that its Submissions differ in, when it is a matrix. */
  @Property({ type: 'string[]', columnType: 'text[]', fieldName: 'matrix_inputs' })
  matrixInputs!: string[];
  @Property({ type: 'datetime', fieldName: 'created_at', defaultRaw: 'now()' })
  createdAt!: Date;
}

/** One run of one Job version on one set of inputs. */
@Entity({ tableName: 'submission' })
export class SubmissionRow {
  @PrimaryKey({ type: 'bigint', autoincrement: true })
  id!: string;
  @Property({ type: 'bigint', fieldName: 'job_version_id' })
  jobVersionId!: string;
  @Property({ type: 'text', fieldName: 'job_name' })
  jobName!: string;
  @Property({ type: 'text' })
  state!: SubmissionState;
  /** Rank: 0 HIGH, 1 NORMAL, 2 LOW. */
  @Property({ type: 'smallint' })
  priority!: number;
  @Property({ type: 'text' })
  message!: string;
  @Property({ type: 'text' })
  submitter!: string;
  @Property({ type: 'text' })
  label!: string;
  @Property({ type: 'bigint', fieldName: 'batch_id', nullable: true })
  batchId!: string | null;
  /** The Submission that it runs again. */
  @Property({ type: 'bigint', fieldName: 'reuse_from', nullable: true })
  reuseFrom!: string | null;
  @Property({ type: 'int', fieldName: 'event_seq' })
  eventSeq!: number;
  @Property({ type: 'int' })
  unfinished!: number;
  /** 1, and one more with each resume. */
  @Property({ type: 'int', default: 1 })
  generation!: number;
  @Property({ type: 'datetime', fieldName: 'paused_at', nullable: true })
  pausedAt!: Date | null;
  @Property({ type: 'datetime', fieldName: 'delete_requested_at', nullable: true })
  deleteRequestedAt!: Date | null;
  @Property({ type: 'datetime', nullable: true })
  deadline!: Date | null;
  @Property({ type: 'datetime', fieldName: 'created_at', defaultRaw: 'now()' })
  createdAt!: Date;
  @Property({ type: 'datetime', fieldName: 'started_at', nullable: true })
  startedAt!: Date | null;
  @Property({ type: 'datetime', fieldName: 'finished_at', nullable: true })
  finishedAt!: Date | null;
}
