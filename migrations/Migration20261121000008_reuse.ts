import { Migration } from '@mikro-orm/migrations';

/**
 * Equal work is done once. `equal_work` says which attempt of which step run does or did the work of a fingerprint; whether
 * it still does, and whether it succeeded, is read from the step run itself, so nothing has to be written when it ends.
 * `step_run.waits_for` is the fingerprint that a step run waits for while another does that work.
 * `submission.reuse_from` names the submission whose results its steps take, save for those from `rerun` on.
 */
export class Migration20261121000008_reuse extends Migration {
  override up(): void {
    this.addSql(`
      create table equal_work (
        fingerprint text primary key,
        step_run_id bigint not null references step_run on delete cascade,
        attempt int not null,
        task_name text not null,
        used_at timestamptz not null default now()
      ) with (fillfactor = 90)`);
    this.addSql(`create index equal_work_step_run on equal_work (step_run_id)`);
    this.addSql(`create index equal_work_task on equal_work (task_name, step_run_id)`);
    this.addSql(`alter table step_run add column waits_for text, add column reused_from bigint`);
    this.addSql(
      `create index step_run_waits on step_run (waits_for, id) where state = 'RETRYING' and waits_for is not null`,
    );
    // A re-run finds the parts of the earlier run by their names; steps of the job itself are few.
    this.addSql(`create index step_run_part on step_run (submission_id, name) where parent_id is not null`);
    this.addSql(`
      alter table submission
        add column reuse boolean not null default true,
        add column reuse_from bigint references submission on delete set null,
        add column rerun text[] not null default '{}'`);
    this.addSql(`create index submission_reuse_from on submission (reuse_from, id) where reuse_from is not null`);
  }
}
