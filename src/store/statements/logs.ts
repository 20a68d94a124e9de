/** A StepRun's log: bytes in order, by offset, across all its Attempts. */
import type { Sql } from '../database';

export type LogStream = 'stdout' | 'stderr' | 'system';

export interface LogChunk {
  readonly stepRunId: string;
  /** Offset of the first byte in the StepRun's log. */
  readonly startByte: number;
  readonly attempt: number;
  readonly stream: LogStream;
  readonly data: Buffer;
}

/**
 * Appends chunks of Attempts that are still the newest of their StepRun: a worker thought dead writes nothing between the
 * lines of the one that replaced it. Rejects when something stands at an offset already.
 */
export async function appendLog(sql: Sql, chunks: readonly LogChunk[]): Promise<void> {
  await sql.query(
    {
      name: 'append-log',
      text: `insert into log_chunk (step_run_id, start_byte, attempt, stream, data)
             select x.id, x.start_byte, x.attempt, x.stream, x.data
             from unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::bytea[])
               as x(id, start_byte, attempt, stream, data)
             join step_run r on r.id = x.id and r.attempt = x.attempt`,
    },
    [
      chunks.map((chunk) => chunk.stepRunId),
      chunks.map((chunk) => chunk.startByte),
      chunks.map((chunk) => chunk.attempt),
      chunks.map((chunk) => chunk.stream),
      chunks.map((chunk) => chunk.data),
    ],
  );
}

/** How many bytes the StepRun's log has. */
export async function logSize(sql: Sql, stepRunId: string): Promise<number> {
  const rows = await sql.query<{ size: string }>(
    {
      name: 'log-size',
      text: `select start_byte + octet_length(data) as size from log_chunk where step_run_id = $1
             order by start_byte desc limit 1`,
    },
    [stepRunId],
  );
  return Number(rows[0]?.size ?? 0);
}

/** Chunks that hold bytes at or after the offset, in order; the first is cut to begin there. */
export async function logAfter(sql: Sql, stepRunId: string, after: number, limit: number): Promise<LogChunk[]> {
  const rows = await sql.query<{ startByte: string; attempt: number; stream: LogStream; data: Buffer }>(
    {
      name: 'log-after',
      text: `select start_byte as "startByte", attempt, stream, data from log_chunk
             where step_run_id = $1 and start_byte >= coalesce(
               (select max(start_byte) from log_chunk where step_run_id = $1 and start_byte <= $2), 0)
             and start_byte + octet_length(data) > $2
             order by start_byte limit $3`,
    },
    [stepRunId, after, limit],
  );
  return rows.map((row) => {
    const start = Number(row.startByte);
    const skip = Math.max(0, after - start);
    return {
      stepRunId,
      startByte: start + skip,
      attempt: row.attempt,
      stream: row.stream,
      data: row.data.subarray(skip),
    };
  });
}
