/** The launcher has promised to be gone within ten seconds. */
const STOP_LIMIT_SECONDS = 9.5;

/**
 * Ends this process when its parent goes or tells it to: on the end of the IPC channel (also when the parent was killed)
 * and on SIGTERM, SIGINT and SIGHUP. `stop` runs once; a second signal, or a `stop` that takes too long, ends the
 * process at once.
 */
export function exitWithParent(stop: () => Promise<void>, limitSeconds = STOP_LIMIT_SECONDS): void {
  let stopping = false;
  const leave = (code: number): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), limitSeconds * 1_000).unref();
    stop().then(
      () => process.exit(code),
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
      if (stopping) process.exit(1);
      leave(0);
    });
  }
  if (process.channel) {
    process.on('disconnect', () => leave(0));
    // Only the end of the channel matters: it must not keep a finished process alive.
    process.channel.unref();
  }
}
