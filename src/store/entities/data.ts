import { Entity, PrimaryKey, Property } from '@mikro-orm/core';

/** A place that data can be sent to before it is used in a Submission. */
@Entity({ tableName: 'upload' })
export class UploadRow {
  @PrimaryKey({ type: 'text' })
  id!: string;
  @Property({ type: 'text' })
  name!: string;
  @Property({ type: 'text', fieldName: 'media_type' })
  mediaType!: string;
  @Property({ type: 'bigint', fieldName: 'max_bytes' })
  maxBytes!: string;
  @Property({ type: 'text' })
  state!: 'OPEN' | 'STORED';
  @Property({ type: 'text', nullable: true })
  sha256!: string | null;
  @Property({ type: 'bigint', nullable: true })
  size!: string | null;
  @Property({ type: 'text' })
  submitter!: string;
  @Property({ type: 'datetime', fieldName: 'created_at', defaultRaw: 'now()' })
  createdAt!: Date;
  @Property({ type: 'datetime', fieldName: 'expires_at' })
  expiresAt!: Date;
}

/** A file that a Submission was given (`stepRunId` null) or that one of its StepRuns produced. */
@Entity({ tableName: 'artifact' })
export class ArtifactRow {
  @PrimaryKey({ type: 'bigint', autoincrement: true })
  id!: string;
  @Property({ type: 'bigint', fieldName: 'submission_id' })
  submissionId!: string;
  @Property({ type: 'bigint', fieldName: 'step_run_id', nullable: true })
  stepRunId!: string | null;
  @Property({ type: 'text' })
  port!: string;
  /** Order within the port, from 0. */
  @Property({ type: 'int' })
  position!: number;
  @Property({ type: 'text' })
  name!: string;
  @Property({ type: 'text' })
  sha256!: string;
  @Property({ type: 'bigint' })
  size!: string;
  @Property({ type: 'text', fieldName: 'media_type' })
  mediaType!: string;
  @Property({ type: 'datetime', fieldName: 'created_at', defaultRaw: 'now()' })
  createdAt!: Date;
}
