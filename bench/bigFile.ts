/** A file of 2 GB in by a signed PUT, through `cat`, and out by a signed download, while the memory is watched. */
import { createHash, randomBytes } from 'node:crypto';
import { get, request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './api';
import { peakRss, rssOf } from './memory';
import { withApp, type Bench } from './support';

const BYTES = 2e9;
const QUICK_BYTES = 200e6;
const WARM_UP_BYTES = 20e6;
const CHUNK_BYTES = 64 * 1024;
const IDLE_MS = 3_000;
const REACH_BYTES = 50e6;

const CREATE =
  'mutation ($size: Float!) { createUpload(input: { name: "big.bin", size: $size }) { upload { id url } } }';
const RESULT = 'query ($id: ID!) { submission(id: $id) { state results { nodes { url size sha256 } } } }';

/** MB a second of each stage. */
interface Passed {
  readonly stored: number;
  readonly copied: number;
  readonly fetched: number;
}

export const bigFile: Bench = {
  name: 'big-file',
  run: ({ services, quick }) =>
    withApp(services, async ({ api, apiPid, workerPid }) => {
      await pass(api, WARM_UP_BYTES);
      await delay(IDLE_MS);
      const pids = [apiPid, workerPid];
      const idle = pids.map(rssOf);
      const bytes = quick ? QUICK_BYTES : BYTES;
      const { value: speed, peaks } = await peakRss(pids, () => pass(api, bytes));
      const rows = ['API', 'worker'].map((name, index) => {
        const before = idle[index] ?? 0;
        const growth = (peaks[index] ?? 0) - before;
        return {
          what: `${bytes / 1e9} GB in, through cat, out: ${name} memory above idle`,
          figure: `${(growth / 1e6).toFixed(0)} MB`,
          reach: `≤ ${REACH_BYTES / 1e6} MB`,
          met: growth <= REACH_BYTES,
          detail: `idle ${(before / 1e6).toFixed(0)} MB, peak ${((peaks[index] ?? 0) / 1e6).toFixed(0)} MB`,
        };
      });
      const text = (value: number): string => value.toFixed(0);
      return [
        ...rows,
        {
          what: `the same file's speed, in / through cat / out`,
          figure: `${text(speed.stored)} / ${text(speed.copied)} / ${text(speed.fetched)} MB/s`,
          reach: 'told',
          met: null,
          detail: 'each stage hashes every byte (SHA-256), here and there',
        },
      ];
    }),
};

async function pass(api: ApiClient, bytes: number): Promise<Passed> {
  const { createUpload } = await api.call<{ createUpload: { upload: { id: string; url: string } } }>(CREATE, {
    size: bytes,
  });
  let begin = performance.now();
  const rate = (): number => {
    const seconds = (performance.now() - begin) / 1_000;
    begin = performance.now();
    return bytes / 1e6 / seconds;
  };
  const sent = await put(createUpload.upload.url, bytes);
  const stored = rate();
  const id = await api.submit('bench-copy', { data: { upload: createUpload.upload.id } });
  await api.ended(id);
  const copied = rate();
  const { submission } = await api.call<{
    submission: { state: string; results: { nodes: { url: string; size: number; sha256: string }[] } };
  }>(RESULT, { id });
  const [result] = submission.results.nodes;
  if (!result) throw new Error(`The copy ended as ${submission.state} without a result`);
  const received = await fetchDigest(result.url);
  const fetched = rate();
  if (received !== sent || result.size !== bytes) throw new Error('What came out is not what went in');
  return { stored, copied, fetched };
}

/** Sends bytes that no file system can compress or share; returns their SHA-256. */
async function put(url: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const block = randomBytes(CHUNK_BYTES);
  function* chunks(): Generator<Buffer> {
    for (let at = 0; at < bytes; at += CHUNK_BYTES) {
      const chunk = Buffer.from(block.subarray(0, Math.min(CHUNK_BYTES, bytes - at)));
      chunk.writeDoubleLE(at);
      hash.update(chunk);
      yield chunk;
    }
  }
  const sending = request(url, { method: 'PUT', headers: { 'content-length': bytes } });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sending.once('response', resolve).once('error', reject);
  });
  await pipeline(Readable.from(chunks()), sending);
  const response = await answered;
  response.resume();
  if (response.statusCode !== 201) throw new Error(`The upload was answered with ${response.statusCode ?? 0}`);
  return hash.digest('hex');
}

async function fetchDigest(url: string): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, resolve).once('error', reject);
  });
  const hash = createHash('sha256');
  for await (const chunk of response as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
