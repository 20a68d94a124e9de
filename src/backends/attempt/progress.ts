/** Finds `::progress 42 message` and `::heartbeat` lines in a stream of output, across the borders of its chunks. */

const PREFIX = Buffer.from('::');
const PREFIX_ON_NEW_LINE = Buffer.from('\n::');
const PROGRESS = Buffer.from('::progress ');
const HEARTBEAT = Buffer.from('::heartbeat');
const NEWLINE = 0x0a;
/** A longer line is no progress report, whatever it begins with. In bytes. */
export const MAX_PROGRESS_LINE = 4096;
/** Of the reports in one chunk of output only the newest are told: nobody can read more. */
export const MAX_REPORTS_PER_CHUNK = 32;

export interface ProgressReader {
  /** Takes the next bytes of the stream. */
  feed(chunk: Buffer): void;
  /** The stream has ended: a last line without a newline counts too. */
  end(): void;
}

/**
 * `report` gets the percentage, held within 0 and 100, and the message in one line without control characters. `beat` is
 * called for both kinds of lines.
 */
export function readProgress(
  report: (percent: number, message: string) => void,
  beat: () => void = () => {},
): ProgressReader {
  /** The start of a line that is, or may become, a report. */
  let carried: Buffer | undefined;
  let midLine = false;

  const tell = (lines: readonly Buffer[]): void => {
    if (lines.some((line) => /^::heartbeat\s*$/.test(line.toString('latin1')))) beat();
    const progress = lines.filter((line) => startsWith(line, PROGRESS));
    for (const line of progress.slice(-MAX_REPORTS_PER_CHUNK)) {
      const match = /^::progress\s+(\d+(?:\.\d+)?)\s*%?(?:\s+(.*?))?\s*$/s.exec(line.toString('utf8'));
      if (!match) continue;
      beat();
      report(Math.min(100, Number(match[1])), clean(match[2] ?? ''));
    }
  };

  return {
    feed(chunk) {
      if (chunk.length === 0) return;
      const data = carried ? Buffer.concat([carried, chunk]) : chunk;
      const startsLine = carried !== undefined || !midLine;
      const lines: Buffer[] = [];
      let at = startsLine && startsWith(data, PREFIX) ? 0 : nextPrefix(data, 0);
      while (at >= 0) {
        const end = data.indexOf(NEWLINE, at);
        if (end < 0) break;
        const line = data.subarray(at, end);
        if (mayBeReport(line)) lines.push(line);
        at = nextPrefix(data, end);
      }
      tell(lines);

      const lastNewline = data.lastIndexOf(NEWLINE);
      const tail = data.subarray(lastNewline + 1);
      const tailStartsLine = lastNewline >= 0 || startsLine;
      carried = tailStartsLine && tail.length > 0 && mayBeReport(tail) ? Buffer.from(tail) : undefined;
      midLine = carried === undefined && (tail.length > 0 || !tailStartsLine);
    },
    end() {
      if (carried) tell([carried]);
      carried = undefined;
    },
  };
}

function nextPrefix(data: Buffer, from: number): number {
  const at = data.indexOf(PREFIX_ON_NEW_LINE, from);
  return at < 0 ? -1 : at + 1;
}

/** Whether it is the start of a report, as far as it goes. */
function mayBeReport(line: Buffer): boolean {
  if (line.length > MAX_PROGRESS_LINE) return false;
  return [PROGRESS, HEARTBEAT].some((marker) => startsWith(line, marker.subarray(0, line.length)));
}

const startsWith = (data: Buffer, start: Buffer): boolean => data.subarray(0, start.length).equals(start);

function clean(message: string): string {
  return message.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
}
