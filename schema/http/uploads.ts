/**
 * Data comes in by signed URLs: `PUT /uploads/<id>?expires=…&signature=…` in one piece, or in resumable pieces by the tus
 * protocol at `/uploads/tus?upload=<id>&expires=…&signature=…`. Both are streamed, and leave nothing when they fail.
 */
import { PassThrough, finished } from 'node:stream';
import { Router, type Request, type Response } from 'express';
import { formatBytes } from '../../src/artifacts/formatBytes';
import { signatureQuery, signPath, verifySignedPath } from '../../src/artifacts/signing';
import type { ArtifactStore } from '../../src/artifacts/store';
import { StepcastError } from '../../src/domain/errors';
import { refusalOf, refuse } from './replies';
import { createTusUploads } from './tusUploads';

/** A place that one file may be sent to. */
export interface UploadRecord {
  /** Opaque: letters, digits, `-` and `_`. */
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  readonly maxBytes: number;
  readonly state: 'OPEN' | 'STORED';
  readonly expiresAt: Date;
}

export interface UploadRepository {
  find(id: string): Promise<UploadRecord | null>;
  /** Makes an OPEN upload STORED; throws CONFLICT when it is STORED already. */
  complete(id: string, stored: { readonly sha256: string; readonly size: number }): Promise<void>;
}

export interface UploadsOptions {
  readonly store: ArtifactStore;
  readonly secret: string;
  readonly uploads: UploadRepository;
  /** The one authorization point; throws FORBIDDEN. Called on every request, after the signature holds. */
  readonly authorize: (request: Request, uploadId: string) => Promise<void>;
  /** The server's own bound on one file, in bytes; an upload's may be smaller. */
  readonly maxBytes: number;
  /** Where resumable uploads grow; best on the store's own file system, since finished ones are moved in. */
  readonly partsDir: string;
  /** Told of failures that are not the client's. */
  readonly onError?: (error: unknown) => void;
}

export interface Uploads {
  /** Serves `/uploads/…`; every other path goes on to the next handler. */
  readonly router: Router;
  /** Removes resumable uploads that nothing has reached for so long; returns how many. */
  readonly sweepUnfinished: (untouchedMs: number) => Promise<number>;
}

/** An upload that may go on, and how much it may still bring. */
export interface OpenUpload {
  readonly record: UploadRecord;
  readonly maxBytes: number;
}

/** After a refusal the rest of what is being sent is read and dropped, up to here, so that the sender gets to our answer. */
const DRAINED_BYTES = 32 * 1024 * 1024;
const DRAINED_MS = 5_000;

/** The signed path for one PUT. */
export function uploadPath(secret: string, upload: { id: string; expiresAt: Date }): string {
  return signPath(secret, { action: 'put', path: pathOf(upload.id), expiresAt: upload.expiresAt });
}

/** The signed path that a tus client takes as its endpoint. */
export function tusUploadPath(secret: string, upload: { id: string; expiresAt: Date }): string {
  const query = signatureQuery(secret, { action: 'put', path: pathOf(upload.id), expiresAt: upload.expiresAt });
  return `/uploads/tus?upload=${encodeURIComponent(upload.id)}&${query}`;
}

export function uploadsRouter(options: UploadsOptions): Uploads {
  const tus = createTusUploads({ ...options, check: (request, id) => openUpload(options, request, id) });
  const router = Router({ strict: true });
  const arriving = new Set<string>();

  router.all(['/uploads/tus', '/uploads/tus/:id'], (request, response) => tus.handle(request, response));
  router.put('/uploads/:id', async (request, response) => {
    const id = request.params.id;
    try {
      const { record, maxBytes } = await openUpload(options, request, id);
      if (arriving.has(id)) throw new StepcastError('CONFLICT', `${record.name} is being uploaded already.`);
      checkHeaders(request, maxBytes);
      arriving.add(id);
      try {
        const stored = await options.store.write(bodyOf(request), { maxBytes });
        await options.uploads.complete(id, stored);
        response.status(201).json({ id, name: record.name, ...stored });
      } finally {
        arriving.delete(id);
      }
    } catch (error) {
      if (!(error instanceof StepcastError) && !request.destroyed) options.onError?.(error);
      refuseAndDrain(request, response, error);
    }
  });
  return { router, sweepUnfinished: tus.sweepUnfinished };
}

/** All that must hold before a byte is taken: signature, authorization, an upload that is open and in time. */
async function openUpload(options: UploadsOptions, request: Request, id: string): Promise<OpenUpload> {
  const { expires, signature } = request.query;
  const check = verifySignedPath(options.secret, { action: 'put', path: pathOf(id), expires, signature });
  if (!check.valid) throw new StepcastError('FORBIDDEN', REFUSALS[check.reason]);
  await options.authorize(request, id);
  const record = await options.uploads.find(id);
  if (record === null) throw new StepcastError('NOT_FOUND', 'There is no such upload. Create a new one.');
  if (record.state === 'STORED') {
    throw new StepcastError(
      'CONFLICT',
      `${record.name} is uploaded already. Create a new upload to send another file.`,
    );
  }
  if (record.expiresAt.getTime() <= Date.now()) throw new StepcastError('FORBIDDEN', REFUSALS.expired);
  return { record, maxBytes: Math.min(record.maxBytes, options.maxBytes) };
}

const REFUSALS = {
  expired: 'This upload link is past its time. Create a new upload.',
  tampered: 'This upload link is not valid. Use the link of the upload unchanged.',
} as const;

function pathOf(id: string): string {
  return `/uploads/${id}`;
}

function checkHeaders(request: Request, maxBytes: number): void {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new StepcastError(
      'BAD_INPUT',
      `Send the file itself: Content-Encoding ${encoding.slice(0, 40)} is not taken here.`,
    );
  }
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) {
    const sizes = `The file has ${formatBytes(announced)}`;
    throw new StepcastError('LIMIT_EXCEEDED', `${sizes}, but at most ${formatBytes(maxBytes)} are allowed.`);
  }
}

/** The body as a stream that may fail without ending the connection, so that a refusal can still be sent. */
function bodyOf(request: Request): PassThrough {
  const body = new PassThrough();
  finished(request, { writable: false }, (error) => {
    if (error) body.destroy(error);
  });
  return request.pipe(body);
}

function refuseAndDrain(request: Request, response: Response, thrown: unknown): void {
  if (request.readableEnded || response.headersSent || request.destroyed) {
    refuse(response, thrown);
    return;
  }
  const { status, body } = refusalOf(thrown);
  const text = JSON.stringify(body);
  response.status(status).set({ 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' });
  response.set({ 'Content-Length': String(Buffer.byteLength(text)), Connection: 'close' });
  response.write(text);

  let drained = 0;
  const end = (): void => {
    clearTimeout(timer);
    request.off('data', count);
    response.end();
  };
  const count = (chunk: Buffer): void => {
    drained += chunk.length;
    if (drained > DRAINED_BYTES) end();
  };
  const timer = setTimeout(end, DRAINED_MS);
  request.on('data', count);
  finished(request, { writable: false }, end);
}
