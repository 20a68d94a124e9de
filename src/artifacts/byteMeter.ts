import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { StepcastError } from '../domain/errors';
import { formatBytes } from './formatBytes';

/** Passes bytes on, counts and hashes them, and ends with LIMIT_EXCEEDED past `maxBytes`. */
export class ByteMeter extends Transform {
  bytes = 0;
  private readonly hash = createHash('sha256');

  constructor(private readonly maxBytes: number = Number.POSITIVE_INFINITY) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    if (this.bytes > this.maxBytes) {
      done(new StepcastError('LIMIT_EXCEEDED', `The file is larger than the allowed ${formatBytes(this.maxBytes)}.`));
      return;
    }
    this.hash.update(chunk);
    done(null, chunk);
  }

  /** The hex SHA-256 of all that passed. Call it once, after the end. */
  sha256(): string {
    return this.hash.digest('hex');
  }
}
