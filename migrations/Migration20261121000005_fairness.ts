import { Migration } from '@mikro-orm/migrations';

/**
 * Who runs when. `rank_at` is from now on a place within one queue and priority, shared out fairly between submitters
 * (see src/store/statements/fairRank.ts); what waits in different ones is compared by `ready_at`.
 * `lane` names the limits under which a step stands ('' for none), `uses` the resources that it occupies while it runs,
 * and `held` keeps the steps of a paused submission back.
 */
export class Migration20261121000005_fairness extends Migration {
  override up(): void {
    this.addSql(`
      alter table step_run
        add column submitter text not null default '',
        add column lane text not null default '',
        add column uses jsonb,
        add column held boolean not null default false`);
    this.addSql(`
      update step_run r set submitter = s.submitter from submission s
      where s.id = r.submission_id and r.state in ('PENDING', 'QUEUED', 'RUNNING', 'RETRYING')`);
    this.addSql(
      `create index step_run_line on step_run (queue, priority, lane, rank_at, id) where state = 'QUEUED' and not held`,
    );
    this.addSql(
      `create index step_run_own on step_run (submitter, queue, priority, lane, rank_at) where state = 'QUEUED'`,
    );
    this.addSql(`create index step_run_started on step_run (queue, priority, rank_at) where state = 'RUNNING'`);
    this.addSql(`drop index step_run_ready`);
  }
}
