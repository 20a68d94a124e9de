/** Resumable uploads by the tus protocol. Every request carries the upload's signature in its query. */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Request, Response } from 'express';
import type { Server } from '@tus/server' with { 'resolution-mode': 'import' };
import type { ArtifactStore } from '../../src/artifacts/store';
import { StepcastError } from '../../src/domain/errors';
import { refusalOf, refuse } from './replies';
import type { OpenUpload, UploadRepository } from './uploads';

export interface TusOptions {
  readonly store: ArtifactStore;
  readonly uploads: UploadRepository;
  readonly partsDir: string;
  readonly maxBytes: number;
  /** Throws unless the request may go on with this upload. */
  readonly check: (request: Request, id: string) => Promise<OpenUpload>;
  readonly onError?: (error: unknown) => void;
}

export interface TusUploads {
  handle(request: Request, response: Response): Promise<void>;
  /** Removes what nothing has reached for so long; returns how many uploads. */
  readonly sweepUnfinished: (untouchedMs: number) => Promise<number>;
}

const MOUNT = '/uploads/tus';
/** GET is left out: what is not complete cannot be read. */
const METHODS: ReadonlySet<string> = new Set(['POST', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS']);
const ID = /^[A-Za-z0-9_-]{1,128}$/;

export function createTusUploads(options: TusOptions): TusUploads {
  let server: Promise<Server> | undefined;

  async function start(): Promise<Server> {
    // Both are ES modules only.
    const tus = await import('@tus/server');
    const fileStore = await import('@tus/file-store');
    const datastore = new fileStore.FileStore({ directory: options.partsDir });
    return new tus.Server({
      path: MOUNT,
      datastore,
      // One upload, one file: starting over replaces what had come.
      namingFunction: (request) => uploadIdOf(request.url) ?? '',
      getFileIdFromRequest: (request) => uploadIdOf(request.url),
      generateUrl: (request, { id }) => {
        const query = new URL(request.url).searchParams;
        query.delete('upload');
        return `${MOUNT}/${id}?${query.toString()}`;
      },
      maxSize: async (_request, id) => {
        const record = id === null ? null : await options.uploads.find(id);
        // To this library 0 means no limit.
        return Math.max(1, Math.min(record?.maxBytes ?? options.maxBytes, options.maxBytes));
      },
      // Who may call from other origins is the server's decision, not this library's.
      allowedOrigins: () => false,
      onUploadFinish: async (_request, upload) => {
        const file = path.join(options.partsDir, upload.id);
        try {
          const stored = await options.store.adopt(file, { durable: true });
          await options.uploads.complete(upload.id, stored);
          return {};
        } catch (error) {
          if (!(error instanceof StepcastError)) options.onError?.(error);
          const { status, body } = refusalOf(error);
          // How this library is told what to answer.
          throw Object.assign(new Error(body.message), { status_code: status, body: JSON.stringify(body) });
        } finally {
          await Promise.all([rm(file, { force: true }), rm(`${file}.json`, { force: true })]);
        }
      },
    });
  }

  return {
    async handle(request, response) {
      response.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
      try {
        if (!METHODS.has(request.method)) {
          throw new StepcastError('BAD_INPUT', `This address speaks the tus protocol, which has no ${request.method}.`);
        }
        if (request.method !== 'OPTIONS') {
          const id = uploadIdOf(new URL(request.originalUrl, 'http://localhost').href);
          if (id === undefined) throw new StepcastError('NOT_FOUND', 'The address names no upload.');
          await options.check(request, id);
        }
        server ??= start().catch((error: unknown) => {
          server = undefined;
          throw error;
        });
        await (await server).handle(request, response);
      } catch (error) {
        if (!(error instanceof StepcastError)) options.onError?.(error);
        response.set('Tus-Resumable', '1.0.0');
        refuse(response, error);
      }
    },

    async sweepUnfinished(untouchedMs) {
      const names = await readdir(options.partsDir).catch(() => []);
      const ids = new Set(names.map((name) => name.replace(/\.json$/, '')));
      let removed = 0;
      for (const id of ids) {
        const files = [path.join(options.partsDir, id), path.join(options.partsDir, `${id}.json`)];
        const times = await Promise.all(
          files.map((file) =>
            stat(file).then(
              (found) => found.mtimeMs,
              () => 0,
            ),
          ),
        );
        if (Date.now() - Math.max(...times) < untouchedMs) continue;
        await Promise.all(files.map((file) => rm(file, { force: true })));
        removed += 1;
      }
      return removed;
    },
  };
}

/** `/uploads/tus?upload=ID` creates, `/uploads/tus/ID` goes on. */
function uploadIdOf(url: string): string | undefined {
  const { pathname, searchParams } = new URL(url);
  const id = pathname === MOUNT ? searchParams.get('upload') : pathname.slice(MOUNT.length + 1);
  return id !== null && ID.test(id) ? id : undefined;
}
