/** Bodies as they are sent: texts, Files as streams, forms with Files. */
import { createReadStream, openAsBlob } from 'node:fs';
import { FormData } from 'undici';
import type { BuiltBody, FileOfPort } from '../../domain/buildRequest';
import { StepcastError, unreachable } from '../../domain/errors';
import type { PreparedAttempt } from '../backend';
import type { OutgoingBody } from './exchange';

export function outgoing(body: BuiltBody, inputPaths: PreparedAttempt['inputPaths']): OutgoingBody {
  switch (body.kind) {
    case 'text': {
      const length = String(Buffer.byteLength(body.text));
      return {
        headers: [
          ['content-type', body.mediaType],
          ['content-length', length],
        ],
        open: () => Promise.resolve(body.text),
      };
    }
    case 'file': {
      const { file } = body.file;
      const path = pathOf(body.file, inputPaths);
      return {
        headers: [
          ['content-type', file.mediaType],
          ['content-length', String(file.size)],
        ],
        open: () => Promise.resolve(createReadStream(path)),
      };
    }
    case 'multipart':
      // The library writes the type with its boundary, and the length.
      return { headers: [], open: () => formData(body.parts, inputPaths) };
    default:
      return unreachable(body);
  }
}

/** Files in it are read while they are sent. */
async function formData(
  parts: Extract<BuiltBody, { kind: 'multipart' }>['parts'],
  inputPaths: PreparedAttempt['inputPaths'],
): Promise<FormData> {
  const form = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else
      form.append(name, await openAsBlob(pathOf(value, inputPaths), { type: value.file.mediaType }), value.file.name);
  }
  return form;
}

function pathOf({ port, index }: FileOfPort, inputPaths: PreparedAttempt['inputPaths']): string {
  const paths = inputPaths[port];
  const path = typeof paths === 'string' ? paths : paths?.[index];
  if (path === undefined) throw new StepcastError('INTERNAL', `File ${index} of input ${port} is not staged.`);
  return path;
}
