import { Entity, PrimaryKey, Property } from '@mikro-orm/core';

/** A worker process; its heartbeat is the lease of everything it runs. */
@Entity({ tableName: 'worker' })
export class WorkerRow {
  @PrimaryKey({ type: 'bigint', autoincrement: true })
  id!: string;
  @Property({ type: 'text' })
  host!: string;
  @Property({ type: 'int' })
  pid!: number;
  @Property({ type: 'string[]', columnType: 'text[]' })
  queues!: string[];
  @Property({ type: 'int' })
  concurrency!: number;
  @Property({ type: 'int', fieldName: 'waiting_concurrency' })
  waitingConcurrency!: number;
  @Property({ type: 'int' })
  running!: number;
  @Property({ type: 'text' })
  state!: 'ALIVE' | 'DRAINING' | 'STOPPED' | 'LOST';
  @Property({ type: 'datetime', fieldName: 'started_at', defaultRaw: 'now()' })
  startedAt!: Date;
  @Property({ type: 'datetime', fieldName: 'heartbeat_at', defaultRaw: 'now()' })
  heartbeatAt!: Date;
}
