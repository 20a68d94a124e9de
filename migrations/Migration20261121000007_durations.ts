import { Migration } from '@mikro-orm/migrations';

/** Expected durations read the last runs of a job version that succeeded. */
export class Migration20261121000007_durations extends Migration {
  override up(): void {
    this.addSql(`create index submission_succeeded on submission (job_version_id, id) where state = 'SUCCEEDED'`);
  }
}
