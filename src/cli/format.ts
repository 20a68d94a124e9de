/** How values and times are written for people. */
import { duration } from './progressView';

/** How long it took, or has taken so far; empty before it started. */
export function took({ startedAt, finishedAt }: { startedAt: string | null; finishedAt: string | null }): string {
  if (startedAt === null) return '';
  return duration((finishedAt === null ? Date.now() : Date.parse(finishedAt)) - Date.parse(startedAt));
}

/** A value in a line is cut here. */
const MAX_VALUE_CHARACTERS = 400;
/** Items of a list that are shown. */
const MAX_ITEMS = 10;

/** A file or folder by its name, of a long list the beginning and its length; any other value as JSON. */
export function shortValue(value: unknown): string {
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_ITEMS).map(shortValue).join(', ');
    return cut(`[${shown}${value.length > MAX_ITEMS ? `, … ${value.length} in all` : ''}]`);
  }
  const data = value as { class?: unknown; name?: unknown } | null;
  const named = data?.class === 'File' || data?.class === 'Directory';
  return named ? String(data.name) : cut(JSON.stringify(value ?? null));
}

function cut(text: string): string {
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)} …` : text;
}
