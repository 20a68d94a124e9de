const PACE_MS = 20;
/** A busy machine with two cores is slow, and what is right takes no longer for it. */
const PATIENCE_MS = 40_000;

/**
 * The first value of `look` that is neither null, undefined nor false. For facts that no event tells; throws with the
 * description when it takes longer than `withinMs`.
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = PATIENCE_MS,
): Promise<Exclude<T, null | undefined | false>> {
  const over = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    if (Date.now() > over) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  }
}
