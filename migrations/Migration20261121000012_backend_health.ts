import { Migration } from '@mikro-orm/migrations';

/**
 * What each worker found when it last asked the engine behind a backend. `waiting_concurrency` is how many steps a worker
 * watches that run elsewhere, beside the `concurrency` steps of its own machine.
 */
export class Migration20261121000012_backend_health extends Migration {
  override up(): void {
    this.addSql(`
      create table worker_backend (
        worker_id bigint not null references worker on delete cascade,
        backend text not null,
        state text not null check (state in ('READY', 'UNAVAILABLE', 'MISSING')),
        version text,
        message text not null,
        checked_at timestamptz not null default now(),
        primary key (worker_id, backend)
      )`);
    this.addSql(`alter table worker add column waiting_concurrency int not null default 0`);
  }
}
