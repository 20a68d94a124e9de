import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connect } from '../../src/cli/client/api';
import { uploadFile } from '../../src/cli/client/upload';
import { startStepcast, type Stepcast } from '../e2e/support/stepcast';

let service: Stepcast;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-upload-'));
  service = await startStepcast({ workers: 0, env: { STEPCAST_MAX_UPLOAD_BYTES: '1MiB' } });
}, 60_000);
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['in one piece', undefined],
  ['in resumable pieces', 1_000],
])('a file arrives as it is %s', async (_how, onePutBytes) => {
  const content = randomBytes(300_000);
  const file = path.join(folder, 'data.bin');
  await writeFile(file, content);
  const id = await uploadFile(connect(service.url), file, onePutBytes);
  const { upload } = await service.gql<{ upload: object }>(
    'query ($id: ID!) { upload(id: $id) { name size sha256 stored } }',
    { id },
  );
  const sha256 = createHash('sha256').update(content).digest('hex');
  expect(upload).toEqual({ name: 'data.bin', size: content.length, sha256, stored: true });
});

test('a file that is too large is refused before it is sent', async () => {
  const file = path.join(folder, 'large.bin');
  await writeFile(file, randomBytes(1_100_000));
  await expect(uploadFile(connect(service.url), file)).rejects.toMatchObject({
    exitCode: 2,
    lines: [expect.stringContaining('the limit is 1 MiB')],
  });
});
