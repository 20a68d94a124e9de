import { Migration } from '@mikro-orm/migrations';

/**
 * What an attempt may use, why it failed, and when things must have ended. `step_run.out_of_memory` counts the attempts
 * that used too much memory: each gives the next one more, if the task says so. Deadlines are moments of this database's
 * clock; whoever ends what passed one clears it.
 */
export class Migration20261121000006_limits extends Migration {
  override up(): void {
    this.addSql(`alter table attempt add column failure text, add column resources jsonb`);
    this.addSql(`
      alter table step_run
        add column failure text,
        add column out_of_memory int not null default 0,
        add column queue_deadline timestamptz,
        add column deadline timestamptz`);
    this.addSql(`alter table submission add column deadline timestamptz`);
    this.addSql(
      `create index step_run_queue_deadline on step_run (queue_deadline) where state = 'QUEUED' and queue_deadline is not null`,
    );
    this.addSql(`
      create index step_run_deadline on step_run (deadline)
      where deadline is not null and state in ('QUEUED', 'RUNNING', 'RETRYING')`);
    this.addSql(`
      create index submission_deadline on submission (deadline)
      where deadline is not null and state in ('QUEUED', 'RUNNING')`);
  }
}
