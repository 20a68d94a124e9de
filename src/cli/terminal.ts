/** Where a command writes. */
export interface Terminal {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  print(line: string): void;
  /** For people only; never mixed into data. */
  hint(line: string): void;
}

/** The terminal of this process. A reader that closes the pipe, such as `head`, ends the command quietly. */
export function processTerminal(): Terminal {
  const { stdout: out, stderr: err } = process;
  out.on('error', () => process.exit());
  err.on('error', () => undefined);
  return {
    out,
    err,
    print: (line) => void out.write(`${line}\n`),
    hint: (line) => void err.write(`${line}\n`),
  };
}

/** Rows in columns as wide as their longest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
