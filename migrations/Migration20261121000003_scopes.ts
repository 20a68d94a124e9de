import { Migration } from '@mikro-orm/migrations';

/**
 * Graphs that grow while they run. A step that scatters or runs a job has a row of its own (kind SCATTER or JOB) that no
 * worker claims; its elements and inner steps are rows below it. `scope_id` is the JOB row whose steps a row belongs to, 0
 * for the submission's own; `parent_id` is the row that waits for it; `left_count` counts what that one still waits for.
 * `due_at` says that the planner shall look at the row.
 */
export class Migration20261121000003_scopes extends Migration {
  override up(): void {
    this.addSql(`
      alter table step_run
        add column kind text not null default 'TASK' check (kind in ('TASK', 'SCATTER', 'JOB')),
        add column parent_id bigint,
        add column scope_id bigint not null default 0,
        add column job text not null default '',
        add column width int,
        add column expanded int not null default 0,
        add column left_count int not null default 0,
        add column scatter jsonb,
        add column due_at timestamptz`);
    this.addSql(`alter table step_run drop constraint step_run_submission_id_node_scatter_index_key`);
    this.addSql(`create unique index step_run_place on step_run (submission_id, scope_id, node, scatter_index)`);
    this.addSql(`create index step_run_due on step_run (due_at) where due_at is not null`);
  }
}
