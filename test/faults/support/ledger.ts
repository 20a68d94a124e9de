/** What the steps themselves wrote down: what ran, whatever the database says. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Ledger {
  /** By Attempt (`<StepRun>.<number>`): how often it began. */
  readonly starts: ReadonlyMap<string, number>;
  /** By Attempt: how often it came to its end. */
  readonly ends: ReadonlyMap<string, number>;
}

export async function readLedger(file: string): Promise<Ledger> {
  const starts = new Map<string, number>();
  const ends = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const [word, attempt] = line.split(' ');
    const counts = word === 'start' ? starts : word === 'end' ? ends : null;
    if (!counts || attempt === undefined) throw new Error(`the ledger holds ${JSON.stringify(line)}`);
    counts.set(attempt, (counts.get(attempt) ?? 0) + 1);
  }
  return { starts, ends };
}
