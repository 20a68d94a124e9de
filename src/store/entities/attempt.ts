import { Entity, PrimaryKey, PrimaryKeyProp, Property } from '@mikro-orm/core';
import type { Resources } from '../../domain/definitions';
import type { FailureKind } from '../../domain/failure';
import type { AttemptState } from '../../domain/states';

/** One try of a StepRun on a worker. */
@Entity({ tableName: 'attempt' })
export class AttemptRow {
  [PrimaryKeyProp]?: ['stepRunId', 'number'];
  @PrimaryKey({ type: 'bigint', fieldName: 'step_run_id' })
  stepRunId!: string;
  @PrimaryKey({ type: 'int' })
  number!: number;
  @Property({ type: 'bigint', fieldName: 'worker_id' })
  workerId!: string;
  @Property({ type: 'text' })
  state!: AttemptState;
  @Property({ type: 'int', fieldName: 'exit_code', nullable: true })
  exitCode!: number | null;
  @Property({ type: 'text', nullable: true })
  failure!: FailureKind | null;
  @Property({ type: 'json', nullable: true })
  resources!: Resources | null;
  @Property({ type: 'text', nullable: true })
  signal!: string | null;
  @Property({ type: 'text' })
  message!: string;
  @Property({ type: 'double', fieldName: 'cpu_ms', nullable: true })
  cpuMs!: number | null;
  @Property({ type: 'bigint', fieldName: 'peak_memory_bytes', nullable: true })
  peakMemoryBytes!: string | null;
  @Property({ type: 'datetime', fieldName: 'started_at', defaultRaw: 'now()' })
  startedAt!: Date;
  @Property({ type: 'datetime', fieldName: 'finished_at', nullable: true })
  finishedAt!: Date | null;
}
