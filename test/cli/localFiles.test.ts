import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { localFile, localFolder } from '../../src/cli/localFiles';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const write = (name: string) => writeFile(path.join(folder, name), name);

test('a file brings those along that lie beside it under the expected endings', async () => {
  for (const name of ['x.fa', 'x.fa.fai', 'x.dict', 'other']) await write(name);
  const found = await localFile(`@${path.join(folder, 'x.fa')}`, ['.fai', '^.dict', '.gzi?']);
  expect(found).toEqual({
    localPath: path.join(folder, 'x.fa'),
    beside: [path.join(folder, 'x.fa.fai'), path.join(folder, 'x.dict')],
  });
});

test('a folder is read with the folders in it', async () => {
  await mkdir(path.join(folder, 'sub'));
  await write('a');
  await write('sub/b');
  expect(await localFolder(`${folder}/`)).toEqual({
    folderName: path.basename(folder),
    files: [{ localPath: path.join(folder, 'a'), beside: [] }],
    folders: [{ folderName: 'sub', files: [{ localPath: path.join(folder, 'sub/b'), beside: [] }], folders: [] }],
  });
});

test('a folder is bounded, and what is none is told', async () => {
  await expect(localFolder(path.join(folder, 'none'))).rejects.toThrow('there is no folder');
  for (let index = 0; index <= 1_000; index += 1) await write(`f${index}`);
  await expect(localFolder(folder)).rejects.toThrow('holds more than 1000 files');
});
