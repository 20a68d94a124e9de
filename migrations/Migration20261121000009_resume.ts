import { Migration } from '@mikro-orm/migrations';

/**
 * A submission that failed or was cancelled can be resumed: what did not succeed opens again, as its next generation.
 * `timeout_seconds` is how long a submission may take; each generation has that time anew.
 */
export class Migration20261121000009_resume extends Migration {
  override up(): void {
    this.addSql(`
      alter table submission
        add column generation int not null default 1,
        add column timeout_seconds double precision`);
    this.addSql(`alter table step_run add column generation int not null default 1`);
  }
}
