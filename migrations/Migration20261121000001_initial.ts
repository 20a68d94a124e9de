import { Migration } from '@mikro-orm/migrations';

/**
 * The first schema. Three habits to know when reading it:
 * every change to a submission's rows happens under a lock on its `submission` row, which makes event numbers gap-free;
 * `step_run.rank_at` orders the ready steps of a queue (see docs/operating.md on priorities);
 * `event.tx` lets the activity stream read in commit-safe order.
 */
export class Migration20261121000001_initial extends Migration {
  override up(): void {
    this.addSql(`
      create table definition_version (
        id bigint generated always as identity primary key,
        kind text not null check (kind in ('BACKEND', 'TASK', 'JOB')),
        name text not null,
        version int not null check (version > 0),
        spec jsonb not null,
        digest text not null,
        source text not null,
        created_at timestamptz not null default now(),
        unique (kind, name, version)
      )`);
    this.addSql(`
      create table definition (
        id bigint generated always as identity primary key,
        kind text not null,
        name text not null,
        version_id bigint references definition_version,
        source text not null,
        updated_at timestamptz not null default now(),
        unique (kind, name)
      )`);
    this.addSql(`
      create table batch (
        id bigint generated always as identity primary key,
        submitter text not null,
        label text not null default '',
        created_at timestamptz not null default now()
      )`);
    this.addSql(`
      create table submission (
        id bigint generated always as identity primary key,
        job_version_id bigint not null references definition_version,
        job_name text not null,
        state text not null check (state in ('QUEUED', 'RUNNING', 'CANCELLING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
        ending text check (ending in ('SUCCEEDED', 'FAILED', 'CANCELLED')),
        priority smallint not null check (priority between 0 and 2),
        inputs jsonb not null,
        outputs jsonb,
        message text not null default '',
        submitter text not null,
        label text not null default '',
        idempotency_key text,
        request_digest text not null,
        batch_id bigint references batch on delete set null,
        event_seq int not null default 0,
        unfinished int not null check (unfinished >= 0),
        delete_requested_at timestamptz,
        created_at timestamptz not null default now(),
        started_at timestamptz,
        finished_at timestamptz
      )`);
    this.addSql(
      `create unique index submission_idempotency on submission (submitter, idempotency_key) where idempotency_key is not null`,
    );
    this.addSql(`create index submission_job on submission (job_name, id)`);
    this.addSql(`create index submission_state on submission (state, id)`);
    this.addSql(`create index submission_batch on submission (batch_id) where batch_id is not null`);
    this.addSql(`create index submission_delete on submission (id) where delete_requested_at is not null`);
    this.addSql(`
      create table worker (
        id bigint generated always as identity primary key,
        host text not null,
        pid int not null,
        queues text[] not null,
        concurrency int not null check (concurrency > 0),
        running int not null default 0,
        state text not null default 'ALIVE' check (state in ('ALIVE', 'DRAINING', 'STOPPED', 'LOST')),
        started_at timestamptz not null default now(),
        heartbeat_at timestamptz not null default now()
      )`);
    this.addSql(`create index worker_alive on worker (heartbeat_at) where state in ('ALIVE', 'DRAINING')`);
    this.addSql(`
      create table step_run (
        id bigint generated always as identity primary key,
        submission_id bigint not null references submission on delete cascade,
        node int not null,
        scatter_index int not null default -1,
        name text not null,
        task_name text not null,
        state text not null check (state in
          ('PENDING', 'QUEUED', 'RUNNING', 'RETRYING', 'SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED')),
        waiting int not null check (waiting >= 0),
        queue text not null,
        priority smallint not null,
        attempt int not null default 0,
        failures int not null default 0,
        lost int not null default 0,
        worker_id bigint references worker,
        cancel_requested boolean not null default false,
        cached boolean not null default false,
        inputs jsonb,
        outputs jsonb,
        exit_code int,
        percent smallint,
        message text not null default '',
        ready_at timestamptz,
        rank_at timestamptz,
        created_at timestamptz not null default now(),
        started_at timestamptz,
        finished_at timestamptz,
        unique (submission_id, node, scatter_index)
      ) with (fillfactor = 70)`);
    this.addSql(`create index step_run_ready on step_run (queue, rank_at, id) where state = 'QUEUED'`);
    this.addSql(`create index step_run_retry on step_run (ready_at) where state = 'RETRYING'`);
    this.addSql(`create index step_run_worker on step_run (worker_id) where state = 'RUNNING'`);
    this.addSql(`
      create table attempt (
        step_run_id bigint not null references step_run on delete cascade,
        number int not null,
        worker_id bigint not null references worker,
        state text not null check (state in ('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST')),
        exit_code int,
        signal text,
        message text not null default '',
        cpu_ms double precision,
        peak_memory_bytes bigint,
        started_at timestamptz not null default now(),
        finished_at timestamptz,
        primary key (step_run_id, number)
      )`);
    this.addSql(`
      create table event (
        submission_id bigint not null references submission on delete cascade,
        seq int not null,
        type text not null,
        state text,
        step_run_id bigint,
        step_name text,
        attempt int,
        percent smallint,
        message text not null default '',
        at timestamptz not null default clock_timestamp(),
        tx xid8 not null default pg_current_xact_id(),
        primary key (submission_id, seq)
      )`);
    this.addSql(`create index event_activity on event (tx, submission_id, seq)`);
    this.addSql(`
      create table log_chunk (
        step_run_id bigint not null references step_run on delete cascade,
        start_byte bigint not null,
        attempt int not null,
        stream text not null check (stream in ('stdout', 'stderr', 'system')),
        data bytea not null,
        at timestamptz not null default clock_timestamp(),
        primary key (step_run_id, start_byte)
      )`);
    this.addSql(`
      create table outbox (
        id bigint generated always as identity primary key,
        queue text not null,
        priority smallint not null,
        step_run_id bigint not null,
        attempt int not null,
        created_at timestamptz not null default now()
      )`);
    this.addSql(`
      create table upload (
        id text primary key,
        name text not null,
        media_type text not null,
        max_bytes bigint not null,
        state text not null default 'OPEN' check (state in ('OPEN', 'STORED')),
        sha256 text,
        size bigint,
        submitter text not null,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null
      )`);
    this.addSql(`create index upload_expiry on upload (expires_at)`);
    this.addSql(`create index upload_content on upload (sha256) where sha256 is not null`);
    this.addSql(`
      create table artifact (
        id bigint generated always as identity primary key,
        submission_id bigint not null references submission on delete cascade,
        step_run_id bigint references step_run on delete cascade,
        port text not null,
        position int not null,
        name text not null,
        sha256 text not null,
        size bigint not null,
        media_type text not null,
        created_at timestamptz not null default now()
      )`);
    this.addSql(`create index artifact_submission on artifact (submission_id, id)`);
    this.addSql(`create index artifact_step_run on artifact (step_run_id) where step_run_id is not null`);
    this.addSql(`create index artifact_content on artifact (sha256)`);
  }
}
