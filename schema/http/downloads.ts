/** Signed downloads of stored contents: `GET /files/<sha256>/<name>?expires=…&signature=…`, ranges included. */
import path from 'node:path';
import { Router, type Request, type Response } from 'express';
import send from 'send';
import { signPath, verifySignedPath } from '../../src/artifacts/signing';
import { StepcastError } from '../../src/domain/errors';
import { refuse } from './replies';

export interface DownloadsOptions {
  /** Where a content lies on this machine. */
  readonly store: { localPath(sha256: string): string };
  readonly secret: string;
  /** The one authorization point; throws FORBIDDEN. Called on every download, after the signature holds. */
  readonly authorize: (request: Request, sha256: string) => Promise<void>;
  /** What is known about a stored content under this name, or null when there is none. */
  readonly find: (file: {
    readonly sha256: string;
    readonly name: string;
  }) => Promise<{ readonly mediaType: string } | null>;
  /** Told of failures that are not the client's. */
  readonly onError?: (error: unknown) => void;
}

/** The signed path of one content under one file name. */
export function downloadPath(secret: string, file: { sha256: string; name: string; expiresAt: Date }): string {
  return signPath(secret, { action: 'get', path: pathOf(file), expiresAt: file.expiresAt });
}

/**
 * Whatever a file contains, a browser saves it and never runs it as a page of ours: it is an attachment, of exactly the
 * type we say, in a sandbox that may load nothing.
 */
const SAFETY_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'private, no-cache',
};

/** Serves `/files/…`; every other path goes on to the next handler. */
export function downloadsRouter(options: DownloadsOptions): Router {
  const router = Router({ strict: true });
  router.get('/files/:sha256/:name', async (request, response) => {
    response.set(SAFETY_HEADERS);
    try {
      await serve(options, request, response);
    } catch (error) {
      if (!(error instanceof StepcastError)) options.onError?.(error);
      refuse(response, error);
    }
  });
  return router;
}

async function serve(options: DownloadsOptions, request: Request, response: Response): Promise<void> {
  const file = { sha256: String(request.params['sha256']), name: String(request.params['name']) };
  const { expires, signature } = request.query;
  const check = verifySignedPath(options.secret, { action: 'get', path: pathOf(file), expires, signature });
  if (!check.valid) throw new StepcastError('FORBIDDEN', REFUSALS[check.reason]);
  await options.authorize(request, file.sha256);
  const found = await options.find(file);
  if (found === null) throw new StepcastError('NOT_FOUND', `There is no file ${file.name} with this content any more.`);

  response.attachment(file.name);
  response.set('Content-Type', headerSafe(found.mediaType));
  // The content's own hash: the same name and hash never have other bytes.
  response.set('ETag', `"${file.sha256}"`);
  await stream(options.store.localPath(file.sha256), request, response);
}

const REFUSALS = {
  expired: 'This download link is past its time. Ask for a new one.',
  tampered: 'This download link is not valid. Ask for a new one, and use it unchanged.',
} as const;

function pathOf(file: { readonly sha256: string; readonly name: string }): string {
  return `/files/${file.sha256}/${file.name}`;
}

function headerSafe(mediaType: string): string {
  return /^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w-]+)*$/.test(mediaType) ? mediaType : 'application/octet-stream';
}

/** Ends when the answer is sent or the client is gone. */
function stream(file: string, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    response.once('close', resolve);
    send(request, path.basename(file), {
      root: path.dirname(file),
      // The store may lie below a folder such as `.stepcast`.
      dotfiles: 'allow',
      etag: false,
      lastModified: false,
      cacheControl: false,
      index: false,
    })
      .on('error', (error: NodeJS.ErrnoException & { status?: number; headers?: Record<string, string> }) => {
        if (response.headersSent) return reject(error);
        for (const name of ['Content-Disposition', 'Content-Type', 'ETag', 'Content-Range'])
          response.removeHeader(name);
        if (error.status === 416) {
          response.status(416).set(error.headers ?? {});
          response.json({ code: 'BAD_INPUT', message: 'The range asked for lies outside of the file.' });
          return;
        }
        reject(error.status === 404 ? new StepcastError('NOT_FOUND', 'This file is not stored any more.') : error);
      })
      .pipe(response);
  });
}
