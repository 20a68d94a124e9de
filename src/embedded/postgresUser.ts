import { chown, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EmbeddedServiceError } from './errors';
import { run } from './process';

/** Under whose name Postgres runs. `prefix` goes before its command line. */
export interface PostgresUser {
  readonly prefix: readonly string[];
  /** The other account it runs as, when it could not be a namespace. */
  readonly account?: string;
  /** Gives a file or folder, with all in it, to that user. */
  readonly own: (target: string) => Promise<void>;
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Postgres refuses to run as root, and wants a user with a name. A user namespace gives it one without an account
 * being made and without files changing hands. Where namespaces are off, root hands the folder to an existing account.
 */
export async function postgresUser(options: { namespaces: boolean } = { namespaces: true }): Promise<PostgresUser> {
  const asIs: PostgresUser = { prefix: [], own: () => Promise.resolve() };
  const uid = process.getuid?.();
  if (uid === undefined || process.platform !== 'linux') return asIs;
  const accounts = await readAccounts();
  if (uid !== 0 && accounts.some((account) => account.uid === uid)) return asIs;
  const account =
    accounts.find(({ name }) => name === 'postgres') ??
    accounts.find(({ name }) => name === 'nobody') ??
    accounts.find((each) => each.uid > 0);
  if (account === undefined) return asIs;
  const namespace = ['unshare', '--user', `--map-user=${account.uid}`, `--map-group=${account.gid}`];
  if (options.namespaces && (await run([...namespace, 'true'])).ok) return { prefix: namespace, own: asIs.own };
  if (uid !== 0) return asIs;
  const change = ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  if ((await run([...change, 'true'])).ok) {
    return { prefix: change, account: account.name, own: (target) => give(target, account) };
  }
  throw new EmbeddedServiceError(
    'postgres',
    'Postgres does not run as root, and this machine allows neither user namespaces nor setpriv: ' +
      'start as an ordinary user, or set DATABASE_URL.',
  );
}

async function readAccounts(): Promise<readonly Account[]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    return name !== '' && /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

async function give(target: string, account: Account): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  await chown(target, account.uid, account.gid);
  const entries = await readdir(target, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    await chown(path.join(entry.parentPath, entry.name), account.uid, account.gid);
  }
}
