/** Uploads as rows: made, filled once, used by any number of Submissions until they expire. */
import { StepcastError } from '../domain/errors';
import type { FileValue } from '../domain/values';
import type { Database, Sql } from './database';
import { UploadRow } from './entities';

export interface NewUpload {
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  readonly maxBytes: number;
  readonly submitter: string;
  readonly expiresAt: Date;
}

export async function createUpload(db: Database, upload: NewUpload): Promise<UploadRow> {
  const em = db.em();
  const row = em.create(UploadRow, {
    ...upload,
    maxBytes: String(upload.maxBytes),
    state: 'OPEN',
    sha256: null,
    size: null,
    createdAt: new Date(),
  });
  await em.persistAndFlush(row);
  return row;
}

export async function findUpload(db: Database, id: string): Promise<UploadRow | null> {
  return db.em().findOne(UploadRow, { id });
}

/** Makes an OPEN upload STORED; CONFLICT when it is STORED already or gone. */
export async function completeUpload(
  sql: Sql,
  id: string,
  stored: { sha256: string; size: number; mediaType: string },
): Promise<void> {
  const rows = await sql.query(
    {
      name: 'complete-upload',
      text: `update upload set state = 'STORED', sha256 = $2, size = $3, media_type = $4 where id = $1 and state = 'OPEN' returning id`,
    },
    [id, stored.sha256, stored.size, stored.mediaType],
  );
  if (rows.length === 0) throw new StepcastError('CONFLICT', 'This upload has its data already.');
}

/** The file behind a STORED upload. */
export function uploadedFile(row: UploadRow): FileValue | null {
  if (row.state !== 'STORED' || row.sha256 === null || row.size === null) return null;
  return { class: 'File', name: row.name, sha256: row.sha256, size: Number(row.size), mediaType: row.mediaType };
}
