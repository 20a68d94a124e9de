/** The step runs that a message on the control channel asks to stop; none when it is no such message. */
export function cancelledIds(message: string): string[] {
  try {
    const parsed: unknown = JSON.parse(message);
    const ids = typeof parsed === 'object' && parsed !== null ? (parsed as { cancel?: unknown }).cancel : null;
    return Array.isArray(ids) ? ids.map(String) : [];
  } catch {
    return [];
  }
}
