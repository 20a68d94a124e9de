import { isLocalFile, type InputValue } from '../inputValues';
import type { Api } from './api';
import { uploadFile } from './upload';

/** Values as the server takes them: each file is uploaded, once however often it is named. */
export function createSender(api: Api): (value: InputValue) => Promise<unknown> {
  const uploads = new Map<string, string>();
  const upload = async (localPath: string): Promise<string> => {
    const id = uploads.get(localPath) ?? (await uploadFile(api, localPath));
    uploads.set(localPath, id);
    return id;
  };
  // Files go one after the other, so that none waits half-sent.
  const send = async (value: InputValue): Promise<unknown> => {
    if (isLocalFile(value)) return { upload: await upload(value.localPath) };
    if (!Array.isArray(value)) return value;
    const items: unknown[] = [];
    for (const item of value as readonly InputValue[]) items.push(await send(item));
    return items;
  };
  return send;
}
