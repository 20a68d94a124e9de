/** The launcher has promised to be gone within ten seconds. */
const STOP_LIMIT_SECONDS = 9.5;

/** What a parent says over the channel to a program that shall end. */
export const LEAVE = 'leave';

/**
 * Ends this process when its parent goes or tells it to: on LEAVE or the end of the IPC channel (also when the parent was
 * killed), and on SIGTERM, SIGINT and SIGHUP. `stop` runs once; a second signal, the end of the parent meanwhile, or a
 * `stop` that takes too long, ends the process at once. Call it before anything that takes time: of a channel that has
 * ended already nobody hears. Returns what does the same as LEAVE.
 */
export function exitWithParent(stop: () => Promise<void>, limitSeconds = STOP_LIMIT_SECONDS): () => void {
  let stopping = false;
  let signalled = false;
  const leave = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), limitSeconds * 1_000).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(
          `stopping failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
        );
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (signalled) process.exit(1);
      signalled = true;
      leave();
    });
  }
  if (process.channel) {
    process.on('message', (word) => {
      if (word === LEAVE) leave();
    });
    process.on('disconnect', () => {
      if (stopping) process.exit(1);
      leave();
    });
    // Only the end of the channel matters: it must not keep a finished process alive.
    process.channel.unref();
  }
  return leave;
}
