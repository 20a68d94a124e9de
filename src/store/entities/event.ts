import { Entity, PrimaryKey, PrimaryKeyProp, Property } from '@mikro-orm/core';

/** An immutable, numbered record of something that happened to a Submission. */
@Entity({ tableName: 'event' })
export class EventRow {
  [PrimaryKeyProp]?: ['submissionId', 'seq'];
  @PrimaryKey({ type: 'bigint', fieldName: 'submission_id' })
  submissionId!: string;
  /** From 1, without gaps, per Submission. */
  @PrimaryKey({ type: 'int' })
  seq!: number;
  @Property({ type: 'text' })
  type!: string;
  @Property({ type: 'text', nullable: true })
  state!: string | null;
  @Property({ type: 'bigint', fieldName: 'step_run_id', nullable: true })
  stepRunId!: string | null;
  @Property({ type: 'text', fieldName: 'step_name', nullable: true })
  stepName!: string | null;
  @Property({ type: 'int', nullable: true })
  attempt!: number | null;
  @Property({ type: 'smallint', nullable: true })
  percent!: number | null;
  @Property({ type: 'text' })
  message!: string;
  @Property({ type: 'datetime', defaultRaw: 'clock_timestamp()' })
  at!: Date;
}
