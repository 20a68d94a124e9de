import { Migration } from '@mikro-orm/migrations';

/** Each submit counts the steps that wait: that must not read those that have ended. */
export class Migration20261121000002_waiting extends Migration {
  override up(): void {
    this.addSql(`create index step_run_waiting on step_run (id) where state in ('QUEUED', 'PENDING', 'RETRYING')`);
  }
}
