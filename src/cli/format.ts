/** How values and times are written for people. */
import { duration } from './progressView';

/** How long it took, or has taken so far; empty before it started. */
export function took({ startedAt, finishedAt }: { startedAt: string | null; finishedAt: string | null }): string {
  if (startedAt === null) return '';
  return duration((finishedAt === null ? Date.now() : Date.parse(finishedAt)) - Date.parse(startedAt));
}

/** A file or folder by its name; any other value as JSON. */
export function shortValue(value: unknown): string {
  const data = value as { class?: unknown; name?: unknown } | null;
  const named = data?.class === 'File' || data?.class === 'Directory';
  return named ? String(data.name) : JSON.stringify(value);
}
