// The graph of a submission as an image that stays current: every event asks for the image again, at most a few times a
// second. No library, no build.
import { call, follow } from './follow.mjs';

const PAUSE_MS = 300;

/**
 * Calls `show` with an address of the image whenever it has changed, one call after the other, and returns the final
 * state after the last one. `show` gives a promise that fails when the image could not be had.
 */
export async function followGraph(server, id, show) {
  let svgUrl = await graphUrl(server, id);
  let wanted = 0;
  let shown = -1;
  let showing = null;

  const showNewest = async () => {
    while (shown < wanted) {
      shown = wanted;
      // The server passes over `seq`; to the browser, it is another image.
      try {
        await show(`${svgUrl}&seq=${shown}`);
      } catch {
        // Addresses are good for a while only.
        svgUrl = await graphUrl(server, id);
        await show(`${svgUrl}&seq=${shown}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    showing = null;
  };
  let failed = null;
  const state = await follow(server, id, ({ seq }) => {
    wanted = seq;
    showing ??= showNewest().catch((error) => {
      failed = error;
    });
  });
  await showing;
  if (failed) throw failed;
  return state;
}

async function graphUrl(server, id) {
  const query = 'query ($id: ID!) { submission(id: $id) { graph { svgUrl } } }';
  return (await call(server, query, { id })).submission.graph.svgUrl;
}
