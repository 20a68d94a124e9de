/**
 * When a cron line fires. The line is read as times on the wall clock of a zone; what becomes of them when clocks change:
 * a time that does not exist fires once, as much later as the clocks jump (02:30 becomes 03:30); a time that exists twice
 * fires once, the first time – save for lines whose hour is `*`, which fire in every hour that passes.
 */
import { CronExpressionParser } from 'cron-parser';
import { messageOf } from './errors';
import { zoneOffset } from './zonedTime';

export interface CronTimes {
  readonly cron: string;
  readonly timeZone: string;
}

const SHORT_FORMS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const HOUR_MS = 3_600_000;
/** No zone changes its clocks twice within this time around a moment. */
const AROUND_MS = 36 * HOUR_MS;
/** Two years more than the longest pause of a line, from one 29 February over 2100 to the next. */
const HORIZON_MS = 10 * 366 * 24 * HOUR_MS;

/** One item of a field: a number or name, a range, a step, `L`, `3L`, `1#2`. Letters that draw lots are none. */
const ITEM = /^(\*|\?|(\d+|[A-Z]{3})(-(\d+|[A-Z]{3}))?)(\/\d+)?$|^\d?L$|^(\d|[A-Z]{3})#\d$/i;

/** What is wrong with a cron line; null when nothing is. */
export function cronProblem(cron: string): string | null {
  const fields = fieldsOf(cron);
  if (fields.length !== 5 && fields.length !== 6) return `it has ${fields.length} fields, and 5 (or 6) are needed`;
  const strange = fields.flatMap((field) => field.split(',')).find((item) => !ITEM.test(item));
  if (strange !== undefined) return `'${strange}' is not understood`;
  try {
    const next = CronExpressionParser.parse(fields.join(' '), { tz: 'UTC', currentDate: new Date(0) }).next();
    return next.getTime() > HORIZON_MS ? 'it never fires' : null;
  } catch (thrown) {
    const message = messageOf(thrown);
    return /loop limit|no matching|Invalid explicit day of month/i.test(message) ? 'it never fires' : message;
  }
}

/** The instants after `after` (not itself), in order, each once; ends when there is none for years. */
export function* firingsAfter(times: CronTimes, after: number): Generator<number> {
  const fields = fieldsOf(times.cron);
  const everyHour = fields.at(-4) === '*';
  const offsetsAround = offsetsOf(times.timeZone);
  const first = offsetsAround(after);
  // Wall times from here on may become instants after `after`, whichever way the clocks go.
  const walls = CronExpressionParser.parse(fields.join(' '), {
    tz: 'UTC',
    currentDate: new Date(Math.floor((after + Math.min(...first)) / 1_000) * 1_000 - 1_000),
  });
  let pending: number[] = [];
  let last = after;
  for (;;) {
    let wall: number;
    try {
      wall = walls.next().getTime();
    } catch {
      break;
    }
    if (wall - after > HORIZON_MS) break;
    const offsets = offsetsAround(wall);
    // No later wall time becomes an instant before this one.
    const settled = wall - Math.max(...offsets);
    const [ready, rest] = [pending.filter((one) => one < settled), pending.filter((one) => one >= settled)];
    for (const instant of ready) {
      if (instant > last) yield (last = instant);
    }
    pending = [...rest, ...instantsOf(times.timeZone, wall, offsets, everyHour)].sort((a, b) => a - b);
  }
  for (const instant of pending) {
    if (instant > last) yield (last = instant);
  }
}

/** The next instants after `after`, at most `limit`. */
export function nextFirings(times: CronTimes, after: number, limit: number): number[] {
  const found: number[] = [];
  if (limit < 1) return found;
  for (const instant of firingsAfter(times, after)) {
    found.push(instant);
    if (found.length >= limit) break;
  }
  return found;
}

/** The instants in (after, until], the latest `limit` of them, in order; `more` tells that there were earlier ones. */
export function latestFirings(
  times: CronTimes,
  after: number,
  until: number,
  limit: number,
): { readonly instants: readonly number[]; readonly more: boolean } {
  // Backwards by growing windows: a year of silence of a line that fires each minute is not walked through.
  for (let span = HOUR_MS; ; span *= 8) {
    const start = Math.max(after, until - span);
    const instants: number[] = [];
    for (const instant of firingsAfter(times, start)) {
      if (instant > until) break;
      instants.push(instant);
    }
    if (start === after || instants.length > limit)
      return { instants: instants.slice(-limit), more: instants.length > limit };
  }
}

function fieldsOf(cron: string): string[] {
  const line = cron.trim();
  return (SHORT_FORMS[line.toLowerCase()] ?? line).split(/\s+/).filter((field) => field !== '');
}

function instantsOf(timeZone: string, wall: number, offsets: readonly number[], everyHour: boolean): number[] {
  const shown = [...new Set(offsets.map((offset) => wall - offset))]
    .filter((instant) => instant + zoneOffset(timeZone, instant) === wall)
    .sort((a, b) => a - b);
  const [before = 0] = offsets;
  if (shown.length === 0) return [wall - before];
  return everyHour ? shown : shown.slice(0, 1);
}

/** The offsets before and after any change of clocks near a time; asked for hour by hour. */
function offsetsOf(timeZone: string): (time: number) => readonly [number, number] {
  let hour = NaN;
  let known: readonly [number, number] = [0, 0];
  return (time) => {
    const asked = Math.floor(time / HOUR_MS);
    if (asked !== hour) {
      hour = asked;
      known = [zoneOffset(timeZone, asked * HOUR_MS - AROUND_MS), zoneOffset(timeZone, asked * HOUR_MS + AROUND_MS)];
    }
    return known;
  };
}
