import { Entity, PrimaryKey, Property } from '@mikro-orm/core';
import type { FailureKind } from '../../domain/failure';
import type { StepRunKind, StepRunState } from '../../domain/states';

/** One execution of one Step in one Submission. Its values may be large and are read apart: see `storedRow`. */
@Entity({ tableName: 'step_run' })
export class StepRunRow {
  @PrimaryKey({ type: 'bigint', autoincrement: true })
  id!: string;
  @Property({ type: 'bigint', fieldName: 'submission_id' })
  submissionId!: string;
  /** The Step's index in the Job's plan. */
  @Property({ type: 'int' })
  node!: number;
  @Property({ type: 'text' })
  kind!: StepRunKind;
  /** The scatter or nested Job that it is a part of. */
  @Property({ type: 'bigint', fieldName: 'parent_id', nullable: true })
  parentId!: string | null;
  /** The nested Job's run whose step it is; 0 for the Submission's own. */
  @Property({ type: 'bigint', fieldName: 'scope_id' })
  scopeId!: string;
  /** -1: no element of a scatter. */
  @Property({ type: 'int', fieldName: 'scatter_index' })
  scatterIndex!: number;
  @Property({ type: 'int', nullable: true })
  width!: number | null;
  @Property({ type: 'text' })
  name!: string;
  @Property({ type: 'text', fieldName: 'task_name' })
  taskName!: string;
  @Property({ type: 'text' })
  state!: StepRunState;
  /** Predecessors that have not ended yet. */
  @Property({ type: 'int' })
  waiting!: number;
  @Property({ type: 'text' })
  queue!: string;
  @Property({ type: 'smallint' })
  priority!: number;
  /** What it needs of each limit, as JSON; empty when no limit concerns it. */
  @Property({ type: 'text' })
  lane!: string;
  /** Kept back: its Submission is paused. */
  @Property({ type: 'boolean' })
  held!: boolean;
  /** The number of the latest Attempt, which is also the fencing number. */
  @Property({ type: 'int' })
  attempt!: number;
  @Property({ type: 'boolean' })
  cached!: boolean;
  /** The StepRun whose result it took; that one may be gone. */
  @Property({ type: 'bigint', fieldName: 'reused_from', nullable: true })
  reusedFrom!: string | null;
  /** The fingerprint of the work that another does while it waits. */
  @Property({ type: 'text', fieldName: 'waits_for', nullable: true })
  waitsFor!: string | null;
  /** The generation of its Submission in which it came to be or was opened last. */
  @Property({ type: 'int', default: 1 })
  generation!: number;
  @Property({ type: 'int', fieldName: 'exit_code', nullable: true })
  exitCode!: number | null;
  @Property({ type: 'smallint', nullable: true })
  percent!: number | null;
  @Property({ type: 'text' })
  message!: string;
  @Property({ type: 'text', nullable: true })
  failure!: FailureKind | null;
  @Property({ type: 'datetime', fieldName: 'queue_deadline', nullable: true })
  queueDeadline!: Date | null;
  @Property({ type: 'datetime', nullable: true })
  deadline!: Date | null;
  @Property({ type: 'datetime', fieldName: 'created_at', defaultRaw: 'now()' })
  createdAt!: Date;
  @Property({ type: 'datetime', fieldName: 'ready_at', nullable: true })
  readyAt!: Date | null;
  @Property({ type: 'datetime', fieldName: 'started_at', nullable: true })
  startedAt!: Date | null;
  @Property({ type: 'datetime', fieldName: 'finished_at', nullable: true })
  finishedAt!: Date | null;
}
