import type { InputValue } from '../inputValues';
import { isLocalFile, isLocalFolder, type LocalFile, type LocalFolder } from '../localFiles';
import type { Api } from './api';
import { uploadFile } from './upload';

/** Inputs as the server takes them: each file is uploaded, once however often it is named. */
export function createSender(api: Api): (values: Readonly<Record<string, InputValue>>) => Promise<object> {
  const uploads = new Map<string, string>();
  const upload = async (localPath: string): Promise<{ upload: string }> => {
    const id = uploads.get(localPath) ?? (await uploadFile(api, localPath));
    uploads.set(localPath, id);
    return { upload: id };
  };
  // Files go one after the other, so that none waits half-sent.
  const inTurn = async <From, To>(items: readonly From[], send: (item: From) => Promise<To>): Promise<To[]> => {
    const sent: To[] = [];
    for (const item of items) sent.push(await send(item));
    return sent;
  };
  const file = async ({ localPath, beside }: LocalFile): Promise<object> => {
    const sent = await upload(localPath);
    return beside.length === 0 ? sent : { ...sent, secondaryFiles: await inTurn(beside, upload) };
  };
  const folder = async ({ folderName, files, folders }: LocalFolder): Promise<object> => ({
    name: folderName,
    files: await inTurn(files, file),
    directories: await inTurn(folders, folder),
  });
  const send = async (value: InputValue): Promise<unknown> => {
    if (isLocalFile(value)) return file(value);
    if (isLocalFolder(value)) return folder(value);
    return Array.isArray(value) ? inTurn(value as readonly InputValue[], send) : value;
  };
  return async (values) => {
    const sent = await inTurn(Object.entries(values), async ([name, value]) => [name, await send(value)] as const);
    return Object.fromEntries(sent);
  };
}
