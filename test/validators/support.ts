import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createLocalStore } from '../../src/artifacts/localStore';
import type { ValidatorSpec } from '../../src/domain/definitions';
import { validateFile } from '../../src/validators/validators';

export interface Bench {
  /** The verdict on the content; it must be the same however the content is cut into chunks. */
  check(spec: ValidatorSpec, content: string | Buffer, name?: string): Promise<string | null>;
  readonly workDir: string;
  remove(): void;
}

/** Validates contents that lie in a real store. */
export function createBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'stepcast-validators-'));
  const store = createLocalStore(join(folder, 'store'));
  const workDir = join(folder, 'work');
  return {
    workDir,
    async check(spec, content, name = 'data') {
      const bytes = Buffer.from(content);
      await store.write(Readable.from([bytes]));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const file = { class: 'File', name, sha256, size: bytes.length, mediaType: 'application/octet-stream' } as const;
      const whole = await validateFile(spec, file, () => store.read(sha256), { store, workDir });
      if (spec.kind === 'command' || bytes.length > 20_000) return whole;
      const byBytes = await validateFile(spec, file, () => Readable.from(pieces(bytes)), { store, workDir });
      expect(byBytes).toBe(whole);
      return whole;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1) yield bytes.subarray(at, at + 1);
}
