import { Migration } from '@mikro-orm/migrations';

/**
 * Schedules and triggers. Their definitions are versions like all others; `firer` is what is known of each at run time,
 * and `firing` has a row for every time that one fired. Which kinds of definition there are is the program's to know:
 * the list in the database goes, so that a new kind needs no migration.
 */
export class Migration20261121000004_firings extends Migration {
  override up(): void {
    this.addSql(`alter table definition_version drop constraint if exists definition_version_kind_check`);
    this.addSql(`
      create table firer (
        kind text not null check (kind in ('SCHEDULE', 'TRIGGER')),
        name text not null,
        version_id bigint not null references definition_version,
        paused boolean not null default false,
        planned_until timestamptz not null default now(),
        next_at timestamptz,
        since_tx xid8 not null default pg_current_xact_id(),
        files jsonb not null default '{}',
        contents text[] not null default '{}',
        problem text not null default '',
        removed_at timestamptz,
        primary key (kind, name)
      )`);
    this.addSql(
      `create index firer_due on firer (next_at) where kind = 'SCHEDULE' and not paused and removed_at is null`,
    );
    this.addSql(`create index firer_contents on firer using gin (contents)`);
    this.addSql(`
      create table firing (
        id bigint generated always as identity primary key,
        kind text not null,
        name text not null,
        key text not null,
        time timestamptz not null,
        state text not null check (state in ('DUE', 'SUBMITTED', 'SKIPPED', 'REFUSED')),
        message text not null default '',
        backfill boolean not null default false,
        depth int not null default 0,
        source_id bigint references submission on delete set null,
        body text,
        submission_id bigint references submission on delete set null,
        due_at timestamptz not null,
        look_at timestamptz not null,
        created_at timestamptz not null default now(),
        unique (kind, name, key),
        foreign key (kind, name) references firer on delete cascade
      )`);
    this.addSql(`create index firing_time on firing (kind, name, time desc, id desc)`);
    this.addSql(`create index firing_due on firing (look_at, id) where state = 'DUE'`);
    this.addSql(`create index firing_submission on firing (submission_id) where submission_id is not null`);
    this.addSql(`create index firing_source on firing (source_id) where source_id is not null`);
    this.addSql(`
      create index event_ending on event (tx, submission_id, seq)
        where type = 'SUBMISSION_STATE' and state in ('SUCCEEDED', 'FAILED', 'CANCELLED')`);
    this.addSql(`
      create table ending_cursor (
        id int primary key check (id = 1),
        tx xid8 not null,
        submission_id bigint not null,
        seq int not null
      )`);
    this.addSql(`insert into ending_cursor (id, tx, submission_id, seq) values (1, pg_current_xact_id(), 0, 0)`);
  }
}
