/** Finds `::progress 42 message` lines in a stream of output, across the borders of its chunks. */

const MARKER = Buffer.from('::progress ');
const MARKER_ON_NEW_LINE = Buffer.from('\n::progress ');
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

/** `report` gets the percentage, held within 0 and 100, and the message in one line without control characters. */
export function readProgress(report: (percent: number, message: string) => void): ProgressReader {
  /** The start of a line that is, or may become, a report. */
  let carried: Buffer | undefined;
  let midLine = false;

  const tell = (lines: readonly Buffer[]): void => {
    for (const line of lines.slice(-MAX_REPORTS_PER_CHUNK)) {
      const match = /^::progress\s+(\d+(?:\.\d+)?)\s*%?(?:\s+(.*?))?\s*$/s.exec(line.toString('utf8'));
      if (match) report(Math.min(100, Number(match[1])), clean(match[2] ?? ''));
    }
  };

  return {
    feed(chunk) {
      if (chunk.length === 0) return;
      const data = carried ? Buffer.concat([carried, chunk]) : chunk;
      const startsLine = carried !== undefined || !midLine;
      const lines: Buffer[] = [];
      let at = startsLine && data.subarray(0, MARKER.length).equals(MARKER) ? 0 : nextMarker(data, 0);
      while (at >= 0) {
        const end = data.indexOf(NEWLINE, at);
        if (end < 0) break;
        if (end - at <= MAX_PROGRESS_LINE) lines.push(data.subarray(at, end));
        at = nextMarker(data, end);
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

function nextMarker(data: Buffer, from: number): number {
  const at = data.indexOf(MARKER_ON_NEW_LINE, from);
  return at < 0 ? -1 : at + 1;
}

function mayBeReport(line: Buffer): boolean {
  if (line.length > MAX_PROGRESS_LINE) return false;
  const shared = Math.min(line.length, MARKER.length);
  return line.subarray(0, shared).equals(MARKER.subarray(0, shared));
}

function clean(message: string): string {
  return message.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
}
