import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { createHash, randomBytes } from 'node:crypto';
import { Upload } from 'tus-js-client';
import { createLocalStore } from '../../../src/artifacts/localStore';
import { StepcastError } from '../../../src/domain/errors';
import {
  tusUploadPath,
  uploadPath,
  uploadsRouter,
  type UploadRecord,
  type Uploads,
} from '../../../schema/http/uploads';
import { inAnHour, serve, temporaryFolder, type TestServer } from './support';

const secret = 'a secret of some length';
const MIB = 1024 * 1024;
const sha256Of = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

interface Stored {
  readonly sha256: string;
  readonly size: number;
}

describe('uploads', () => {
  const folder = temporaryFolder();
  const partsDir = `${folder.path}/parts`;
  const store = createLocalStore(`${folder.path}/store`);
  const records = new Map<string, UploadRecord>();
  const completed = new Map<string, Stored>();
  let server: TestServer;
  let uploads: Uploads;
  let next = 0;

  function open(change: Partial<UploadRecord> = {}): UploadRecord {
    next += 1;
    const record: UploadRecord = {
      id: `upload-${next}`,
      name: 'data.bin',
      mediaType: 'application/octet-stream',
      maxBytes: 400 * MIB,
      state: 'OPEN',
      expiresAt: inAnHour(),
      ...change,
    };
    records.set(record.id, record);
    return record;
  }
  const link = (record: UploadRecord): string => server.url + uploadPath(secret, record);
  const incoming = (): string[] =>
    existsSync(`${folder.path}/store/incoming`) ? readdirSync(`${folder.path}/store/incoming`) : [];
  const parts = (): string[] => (existsSync(partsDir) ? readdirSync(partsDir) : []);

  beforeAll(async () => {
    uploads = uploadsRouter({
      store,
      secret,
      partsDir,
      maxBytes: 350 * MIB,
      authorize: async (request) => {
        if (request.headers['x-user'] === 'stranger') throw new StepcastError('FORBIDDEN', 'This upload is not yours.');
      },
      uploads: {
        find: async (id) => records.get(id) ?? null,
        complete: async (id, stored) => {
          const record = records.get(id);
          if (record?.state !== 'OPEN') throw new StepcastError('CONFLICT', 'It is stored already.');
          records.set(id, { ...record, state: 'STORED' });
          completed.set(id, stored);
        },
      },
    });
    server = await serve(uploads.router);
  });
  afterAll(async () => {
    await server.close();
    folder.remove();
  });

  describe('by PUT', () => {
    it('stores what is sent', async () => {
      const record = open();
      const content = randomBytes(2 * MIB);
      const response = await fetch(link(record), { method: 'PUT', body: content });
      expect(response.status).toBe(201);
      expect(await response.json()).toEqual({
        id: record.id,
        name: 'data.bin',
        sha256: sha256Of(content),
        size: 2 * MIB,
      });
      expect(completed.get(record.id)).toEqual({ sha256: sha256Of(content), size: 2 * MIB });
      expect(readFileSync(store.localPath(sha256Of(content))).equals(content)).toBe(true);
    });

    it('stores an empty file', async () => {
      const record = open();
      expect((await fetch(link(record), { method: 'PUT' })).status).toBe(201);
      expect(completed.get(record.id)?.size).toBe(0);
    });

    it('refuses a second file for the same upload', async () => {
      const record = open();
      expect((await fetch(link(record), { method: 'PUT', body: 'first' })).status).toBe(201);
      const second = await fetch(link(record), { method: 'PUT', body: 'second' });
      expect([second.status, await second.json()]).toEqual([
        409,
        { code: 'CONFLICT', message: 'data.bin is uploaded already. Create a new upload to send another file.' },
      ]);
    });

    it('refuses by the announced size, before it takes a byte', async () => {
      const response = await fetch(link(open({ maxBytes: 10 })), { method: 'PUT', body: 'eleven byte' });
      expect([response.status, await response.json()]).toEqual([
        413,
        { code: 'LIMIT_EXCEEDED', message: 'The file has 11 bytes, but at most 10 bytes are allowed.' },
      ]);
    });

    it('refuses an unannounced size as soon as it passes the limit, and keeps nothing', async () => {
      const record = open({ maxBytes: MIB });
      const body = Readable.toWeb(
        Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024))),
      ) as ReadableStream;
      const response = await fetch(link(record), { method: 'PUT', body, duplex: 'half' });
      expect([response.status, await response.json()]).toEqual([
        413,
        { code: 'LIMIT_EXCEEDED', message: 'The file is larger than the allowed 1 MiB.' },
      ]);
      expect(incoming()).toEqual([]);
      expect(records.get(record.id)?.state).toBe('OPEN');
    });

    it('keeps nothing of an upload that breaks off, and lets it start again', async () => {
      const record = open();
      const put = request(link(record), { method: 'PUT', headers: { 'content-length': 5 * MIB } });
      put.on('error', () => undefined);
      put.write(Buffer.alloc(MIB));
      while (incoming().length === 0) await new Promise(setImmediate);
      put.destroy();
      while (incoming().length > 0) await new Promise(setImmediate);
      expect(completed.has(record.id)).toBe(false);
      expect((await fetch(link(record), { method: 'PUT', body: 'again' })).status).toBe(201);
    });

    it('takes one sender at a time', async () => {
      const record = open();
      const first = request(link(record), { method: 'PUT', headers: { 'content-length': 4 } });
      first.write('on');
      while (incoming().length === 0) await new Promise(setImmediate);
      expect((await fetch(link(record), { method: 'PUT', body: 'two' })).status).toBe(409);
      first.end('e!');
      const [answer] = (await once(first, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
      answer.resume();
      expect(answer.statusCode).toBe(201);
      expect(completed.get(record.id)?.sha256).toBe(sha256Of(Buffer.from('one!')));
    });

    it.each([
      [
        'an upload past its time',
        () => link(open({ expiresAt: new Date(Date.now() - 2000) })),
        {},
        403,
        'past its time',
      ],
      ['a link for another upload', () => link(open()).replace(/upload-\d+/, 'upload-1'), {}, 403, 'not valid'],
      [
        'an unknown upload',
        () => server.url + uploadPath(secret, { id: 'nobody', expiresAt: inAnHour() }),
        {},
        404,
        'no such upload',
      ],
      ['a stranger', () => link(open()), { 'x-user': 'stranger' }, 403, 'not yours'],
      ['a compressed body', () => link(open()), { 'content-encoding': 'gzip' }, 400, 'gzip is not taken here'],
    ])('refuses %s', async (_who, url, headers, status, message) => {
      const response = await fetch(url(), { method: 'PUT', body: 'x', headers });
      expect(response.status).toBe(status);
      expect(((await response.json()) as { message: string }).message).toContain(message);
    });

    it('streams 300 MiB through in flat memory', async () => {
      const record = open();
      const block = randomBytes(MIB);
      const before = process.memoryUsage.rss();
      let peak = 0;
      async function* blocks(): AsyncGenerator<Buffer> {
        for (let sent = 0; sent < 300; sent += 1) {
          yield block;
          peak = Math.max(peak, process.memoryUsage.rss() - before);
        }
      }
      const body = Readable.toWeb(Readable.from(blocks())) as ReadableStream;
      const response = await fetch(link(record), { method: 'PUT', body, duplex: 'half' });
      expect(response.status).toBe(201);
      expect(completed.get(record.id)?.size).toBe(300 * MIB);
      // Client and server share this process: 300 MiB held anywhere would show.
      expect(peak).toBeLessThan(150 * MIB);
    });
  });

  describe('by tus', () => {
    /** Uploads as a client would; `breakAfter` bytes it goes away. Returns the address to go on from. */
    function send(
      record: UploadRecord,
      content: Buffer,
      options: { from?: string; breakAfter?: number; headers?: Record<string, string> } = {},
    ) {
      return new Promise<{ at: string | null; resumedFrom: number }>((resolve, reject) => {
        let resumedFrom = -1;
        const upload = new Upload(content, {
          endpoint: server.url + tusUploadPath(secret, record),
          uploadUrl: options.from ?? null,
          chunkSize: MIB,
          retryDelays: null,
          headers: options.headers ?? {},
          onProgress: (sent) => {
            if (resumedFrom < 0) resumedFrom = sent;
          },
          onChunkComplete: (_size, accepted) => {
            if (options.breakAfter === undefined || accepted < options.breakAfter) return;
            void upload.abort().then(() => resolve({ at: upload.url, resumedFrom }), reject);
          },
          onSuccess: () => resolve({ at: upload.url, resumedFrom }),
          onError: reject,
        });
        upload.start();
      });
    }

    it('goes on where it broke off, and stores the whole', async () => {
      const record = open();
      const content = randomBytes(5 * MIB + 123);
      const { at } = await send(record, content, { breakAfter: 2 * MIB });
      expect(completed.has(record.id)).toBe(false);
      expect(parts()).toContain(record.id);
      const { resumedFrom } = await send(record, content, { from: at ?? '' });
      expect(resumedFrom).toBeGreaterThanOrEqual(2 * MIB);
      expect(completed.get(record.id)).toEqual({ sha256: sha256Of(content), size: content.length });
      expect(readFileSync(store.localPath(sha256Of(content))).equals(content)).toBe(true);
      expect(parts()).toEqual([]);
    });

    it('checks the signature on each request, and lets nobody read', async () => {
      const record = open();
      const { at } = await send(record, randomBytes(2 * MIB), { breakAfter: MIB });
      const stripped = (at ?? '').replace(/signature=.*/, 'signature=x');
      const headers = {
        'tus-resumable': '1.0.0',
        'upload-offset': String(MIB),
        'content-type': 'application/offset+octet-stream',
      };
      expect((await fetch(stripped, { method: 'PATCH', headers, body: 'x' })).status).toBe(403);
      expect((await fetch(stripped, { method: 'HEAD', headers })).status).toBe(403);
      expect((await fetch(`${server.url}/uploads/tus?upload=${record.id}`, { method: 'POST', headers })).status).toBe(
        403,
      );
      expect((await fetch(at ?? '', { method: 'GET' })).status).toBe(400);
      expect((await fetch(at ?? '', { method: 'DELETE', headers })).status).toBe(204);
      expect(parts()).toEqual([]);
    });

    it('refuses a file that is announced too large', async () => {
      await expect(send(open({ maxBytes: MIB }), randomBytes(2 * MIB))).rejects.toThrow('413');
      expect(parts()).toEqual([]);
    });

    it('refuses strangers and stored uploads', async () => {
      await expect(send(open(), randomBytes(10), { headers: { 'x-user': 'stranger' } })).rejects.toThrow('not yours');
      await expect(send(open({ state: 'STORED' }), randomBytes(10))).rejects.toThrow('uploaded already');
    });

    it('removes unfinished uploads that nothing has reached for long', async () => {
      const old = open();
      const fresh = open();
      await send(old, randomBytes(2 * MIB), { breakAfter: MIB });
      await send(fresh, randomBytes(2 * MIB), { breakAfter: MIB });
      const yesterday = Date.now() / 1000 - 86_400;
      for (const name of [old.id, `${old.id}.json`]) utimesSync(`${partsDir}/${name}`, yesterday, yesterday);
      utimesSync(`${partsDir}/${fresh.id}.json`, yesterday, yesterday);
      expect(await uploads.sweepUnfinished(3_600_000)).toBe(1);
      expect(parts().sort()).toEqual([fresh.id, `${fresh.id}.json`].sort());
    });
  });
});
