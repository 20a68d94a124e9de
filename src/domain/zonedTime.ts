/** Wall clocks: what a clock in a time zone shows at an instant. Instants are milliseconds since 1970, UTC. */

const formats = new Map<string, Intl.DateTimeFormat>();
/** Zones are few; more than this means that someone feeds us names. */
const MAX_FORMATS = 1_000;

/** True for a name of the IANA time zone database, such as `Europe/Stockholm`, and for `UTC`. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** How far the zone's clocks are ahead of UTC at the instant, in milliseconds. */
export function zoneOffset(timeZone: string, instant: number): number {
  const shown = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: string): number => shown[name] ?? 0;
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(instant / 1_000) * 1_000;
}

/** The date that a calendar in the zone shows, such as `2026-03-29`. */
export function localDate(timeZone: string, instant: number): string {
  return new Date(instant + zoneOffset(timeZone, instant)).toISOString().slice(0, 10);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formats.size >= MAX_FORMATS) formats.clear();
  formats.set(timeZone, made);
  return made;
}
