/** After a command has ended: what it left running, and the last bytes in its pipes. */
import { groupExists, killTree, type Tree } from './processTree';
import type { Pump } from '../attempt/pump';

/**
 * A helper that reads the command's last output (`> >(tee copy)`) ends by itself within this time; what lives longer
 * was left behind, and is ended. In milliseconds.
 */
const LINGER_MS = 200;
const LOOK_AGAIN_MS = 10;
/** A pipe that stays open so long without a byte, after everything findable was killed, is held by someone unknown. */
const ABANDON_AFTER_MS = 2000;

/** Resolves when the command's group is empty and both pipes are read to their end; ends what stands in the way. */
export async function awaitEnd(tree: Tree, pumps: readonly Pump[]): Promise<void> {
  let read = false;
  const allRead = Promise.all(pumps.map((each) => each.done)).then(() => {
    read = true;
  });
  allRead.catch(() => {}); // thrown below, wherever it is awaited next
  const started = performance.now();
  while (!read || groupExists(tree.pid)) {
    if (performance.now() - started > LINGER_MS) {
      await killTree(tree);
      break;
    }
    if (groupExists(tree.pid)) await atMost(LOOK_AGAIN_MS);
    else await atMost(LINGER_MS, allRead);
  }
  while (!read) {
    await atMost(LINGER_MS, allRead);
    if (pumps.every((each) => each.quietFor() > ABANDON_AFTER_MS)) for (const each of pumps) each.abandon();
  }
}

/** Waits for the promise, or for the time to pass. */
async function atMost(milliseconds: number, promise?: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await (promise ? Promise.race([promise, passed]) : passed);
  } finally {
    clearTimeout(timer);
  }
}
