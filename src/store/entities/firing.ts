import { Entity, PrimaryKey, Property } from '@mikro-orm/core';

export type FirerKind = 'SCHEDULE' | 'TRIGGER';
export type FiringState = 'DUE' | 'SUBMITTED' | 'SKIPPED' | 'REFUSED';

/** One time that a Schedule or a Trigger fired. */
@Entity({ tableName: 'firing' })
export class FiringRow {
  @PrimaryKey({ type: 'bigint', autoincrement: true })
  id!: string;
  @Property({ type: 'text' })
  kind!: FirerKind;
  @Property({ type: 'text' })
  name!: string;
  /** What makes it this one: the time, the signature of the call, or the end of the Submission. */
  @Property({ type: 'text' })
  key!: string;
  /** The time it stands for: that of the schedule, of the call, or of the end. */
  @Property({ type: 'datetime' })
  time!: Date;
  @Property({ type: 'text' })
  state!: FiringState;
  @Property({ type: 'text' })
  message!: string;
  @Property({ type: 'boolean' })
  backfill!: boolean;
  /** How many completions led to it, one after the other. */
  @Property({ type: 'int' })
  depth!: number;
  /** The Submission whose end it is. */
  @Property({ type: 'bigint', fieldName: 'source_id', nullable: true })
  sourceId!: string | null;
  @Property({ type: 'bigint', fieldName: 'submission_id', nullable: true })
  submissionId!: string | null;
  @Property({ type: 'datetime', fieldName: 'due_at' })
  dueAt!: Date;
  @Property({ type: 'datetime', fieldName: 'created_at' })
  createdAt!: Date;
}
