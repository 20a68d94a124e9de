import { Migration } from '@mikro-orm/migrations';

/** How much of one submitter is open, and what was done of it lately: who has too much is told when to try again. */
export class Migration20261121000005_admission extends Migration {
  override up(): void {
    this.addSql(
      `create index submission_open on submission (submitter) where state in ('QUEUED', 'RUNNING', 'CANCELLING')`,
    );
    this.addSql(`create index submission_done on submission (submitter, finished_at) where finished_at is not null`);
  }
}
