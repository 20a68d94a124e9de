/** What the `stepcast` command tells the shell. */
export const EXIT = {
  /** Done; for a followed submission: SUCCEEDED. */
  ok: 0,
  /** The submission FAILED, or some of what was asked could not be done. */
  failed: 1,
  /** Wrong usage, or input that the server refused. */
  refused: 2,
  /** No server that answers as Stepcast. */
  unreachable: 3,
  /** The submission was CANCELLED, or Ctrl-C ended the following. */
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with these lines for the person at the terminal, never with a stack. */
export class CommandError extends Error {
  constructor(
    readonly exitCode: ExitCode,
    readonly lines: readonly string[],
  ) {
    super(lines.join('\n'));
    this.name = 'CommandError';
  }
}
