// @ts-check
/** Reports how far the engine is, as any command does: `::progress 42 statement 2 of 3`. */

/** @import { DuckDBConnection } from '@duckdb/node-api' */

const LOOK_MS = 500;

/**
 * @param {DuckDBConnection} connection
 * @param {number} statements
 */
export function watchProgress(connection, statements) {
  let begun = 0;
  let told = 0;
  const timer = setInterval(() => {
    const share = Math.max(0, connection.progress.percentage) / 100;
    const percent = Math.floor(((begun - 1 + share) / statements) * 100);
    // The engine counts each phase of a query anew.
    if (percent <= told) return;
    told = percent;
    process.stderr.write(`::progress ${percent} statement ${begun} of ${statements}\n`);
  }, LOOK_MS);
  timer.unref();
  return {
    /** The next statement begins. */
    begin: () => void (begun += 1),
    end: () => clearInterval(timer),
  };
}
