import { Migration } from '@mikro-orm/migrations';

/** What was paused by hand: submissions by a time of their own, queues (a backend at one priority) by a row. */
export class Migration20261121000005_pause extends Migration {
  override up(): void {
    this.addSql(`alter table submission add column paused_at timestamptz`);
    this.addSql(`
      create table queue_pause (
        queue text not null,
        priority smallint not null check (priority between 0 and 2),
        reason text not null default '',
        paused_at timestamptz not null default now(),
        primary key (queue, priority)
      )`);
  }
}
