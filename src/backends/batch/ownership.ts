/** Gives the directory of an Attempt to the user that its job belongs to. */
import { execFile } from 'node:child_process';
import { chmod, chown } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, StepcastError } from '../../domain/errors';
import type { AttemptPlace } from '../backend';
import type { Commander } from './commander';
import { batchFolder } from './folder';
import { SCRIPT_FILE, WRITTEN_FILES } from './runner';

const run = promisify(execFile);

/** A user other than the worker's own. */
export interface Owner {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly commander: Pick<Commander, 'run'>;
}

/** Null when it is the worker's own user. Throws CONFIGURATION when there is no such user, or the worker may not become it. */
export async function ownerOf(name: string, commander: Commander): Promise<Owner | null> {
  if (commander.runAs === null) return null;
  if (process.getuid?.() !== 0)
    throw new StepcastError('CONFIGURATION', `Jobs are to run as \`${name}\`: for that the worker has to run as root.`);
  const numbers = async (flag: string): Promise<number> => {
    try {
      return Number((await run('id', [flag, name])).stdout);
    } catch (error) {
      throw new StepcastError('CONFIGURATION', `Jobs are to run as \`${name}\`: ${messageOf(error)}`, { cause: error });
    }
  };
  return { name, uid: await numbers('-u'), gid: await numbers('-g'), commander };
}

/** Those who were seen to come through. */
const reaching = new WeakSet<Owner>();

/** Others may pass through, and not look. */
const PASSING = 0o711;
/** The group may put files in, and nobody may move what is another's. */
const SHARED = 0o1770;
const READABLE_FOLDER = 0o750;
const READABLE_FILE = 0o640;

/**
 * The user owns inputs, outputs and passing files. The rest stays the worker's: nobody can put a link in its place, which
 * the worker would then follow. Throws BAD_INPUT when the user does not come through to it.
 */
export async function giveTo(owner: Owner, place: AttemptPlace): Promise<void> {
  const { uid, gid, name, commander } = owner;
  const folder = batchFolder(place);
  for (const above of [dirname(place.root), dirname(dirname(place.root))]) await chmod(above, PASSING);
  const theirs = [join(place.root, 'in'), place.out, place.tmp];
  await run(
    'sh',
    ['-c', 'for path; do [ ! -e "$path" ] || chown -Rh "$OWNER" -- "$path" || exit; done', 'sh', ...theirs],
    {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', OWNER: `${uid}:${gid}` },
    },
  );
  for (const [path, mode] of [
    [place.root, SHARED],
    [folder, READABLE_FOLDER],
    [join(folder, SCRIPT_FILE), READABLE_FILE],
  ] as const) {
    await chown(path, 0, gid);
    await chmod(path, mode);
  }
  for (const file of Object.values(WRITTEN_FILES)) await chown(join(folder, file), uid, gid);
  if (reaching.has(owner)) return;
  const reached = await commander.run(['test', '-w', place.out]);
  if (reached.code === 0) reaching.add(owner);
  else
    throw new StepcastError(
      'BAD_INPUT',
      `The user \`${name}\`, as whom jobs run, does not come through to ${place.out}. Open the folders above it for passing through: chmod o+x.`,
    );
}
