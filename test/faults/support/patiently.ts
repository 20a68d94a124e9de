import { eventually } from '../../e2e/support/wait';

/** A machine on which everything is broken and mended at once is slow. */
const PATIENCE_MS = 120_000;

/** As `eventually`, for what a fault waits for. */
export const patiently: typeof eventually = (what, look, withinMs = PATIENCE_MS) => eventually(what, look, withinMs);
