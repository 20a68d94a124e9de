import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { DetailedError, Upload } from 'tus-js-client';
import { z } from 'zod';
import { reasonOf, refusedBy, UserErrors, type Api } from './api';
import { CommandError, EXIT } from './commandError';

/** Larger files go in pieces, so that a broken connection costs one piece. */
const ONE_PUT_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 16 * 1024 * 1024;
const RETRY_DELAYS_MS = [0, 500, 1_000, 3_000, 5_000, 10_000];

const CREATE = `mutation ($input: CreateUploadInput!) {
  createUpload(input: $input) { upload { id url tusUrl } userErrors { code message field } }
}`;
const Created = z.object({
  createUpload: z.object({
    upload: z.object({ id: z.string(), url: z.string(), tusUrl: z.string() }).nullable(),
    userErrors: UserErrors,
  }),
});

/** Streams a file to the server and returns the id of the upload. Throws CommandError. */
export async function uploadFile(api: Api, localPath: string, onePutBytes = ONE_PUT_BYTES): Promise<string> {
  const { size } = await stat(localPath);
  const input = { name: path.basename(localPath), size };
  const { upload, userErrors } = (await api.call(Created, CREATE, { input })).createUpload;
  if (!upload) throw refusedBy(userErrors);
  if (size > onePutBytes) await sendPieces(localPath, upload.tusUrl, size);
  else await sendWhole(localPath, upload.url, size);
  return upload.id;
}

async function sendWhole(localPath: string, url: string, size: number): Promise<void> {
  const file = createReadStream(localPath);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'PUT',
      headers: { 'content-length': String(size), 'content-type': 'application/octet-stream' },
      body: Readable.toWeb(file) as ReadableStream<Uint8Array>,
      // Node's fetch asks for it where the body is a stream.
      duplex: 'half',
    });
  } catch (error) {
    throw brokenOff(localPath, reasonOf(file.errored ?? error));
  }
  const text = await response.text();
  if (!response.ok) throw refusal(localPath, response.status, text);
}

function sendPieces(localPath: string, endpoint: string, uploadSize: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const file: ReadStream = createReadStream(localPath);
    const upload = new Upload(file, {
      endpoint,
      uploadSize,
      chunkSize: PIECE_BYTES,
      retryDelays: RETRY_DELAYS_MS,
      onSuccess: () => resolve(),
      onError: (error) => {
        const answer = error instanceof DetailedError ? error.originalResponse : null;
        reject(
          answer
            ? refusal(localPath, answer.getStatus(), answer.getBody())
            : brokenOff(localPath, reasonOf(error instanceof DetailedError ? error.causingError : error)),
        );
      },
    });
    upload.start();
  });
}

function refusal(localPath: string, status: number, text: string): CommandError {
  const said = z.object({ message: z.string() }).safeParse(parse(text));
  return new CommandError(EXIT.refused, [
    `${localPath} was not taken: ${said.success ? said.data.message : `the server answered HTTP ${status}.`}`,
  ]);
}

function brokenOff(localPath: string, reason: string): CommandError {
  return new CommandError(EXIT.unreachable, [`${localPath} could not be sent (${reason}).`]);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
