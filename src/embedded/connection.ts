import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';

/** What is kept beside the data (mode 0600) to reach the service again. */
const Connection = z.object({
  port: z.number().int(),
  password: z.string().min(1),
  /** The process that started the service. */
  owner: z.number().int(),
  /** The service's own process. */
  pid: z.number().int(),
});
export type Connection = Readonly<z.infer<typeof Connection>>;

/** The kept connection; undefined when there is none, or it is damaged. */
export async function readConnection(file: string): Promise<Connection | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return Connection.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Replaces the kept connection in one step. */
export async function writeConnection(file: string, connection: Connection): Promise<void> {
  const next = `${file}.${process.pid}`;
  await writeFile(next, `${JSON.stringify(connection)}\n`, { mode: 0o600 });
  await rename(next, file);
}

/** A password that needs no escaping in a URL or a configuration file. */
export function newPassword(): string {
  return randomBytes(24).toString('hex');
}
