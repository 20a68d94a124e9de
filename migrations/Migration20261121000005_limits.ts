import { Migration } from '@mikro-orm/migrations';

/**
 * How much may run at once. A row says how many units of `key` there are (`task:align`, `backend:local`, `job:report`,
 * `user:*`, `resource:matlab`); what is in use is counted from the steps that run, so nothing can leak.
 */
export class Migration20261121000005_limits extends Migration {
  override up(): void {
    this.addSql(`
      create table run_limit (
        key text primary key,
        amount int not null check (amount >= 0),
        since timestamptz not null default now()
      )`);
    this.addSql(`create index step_run_lane on step_run (lane) where state = 'RUNNING' and lane <> ''`);
    // Kinds of definitions are the service's to know; a list here had to be changed by each new one.
    this.addSql(`alter table definition_version drop constraint if exists definition_version_kind_check`);
  }
}
