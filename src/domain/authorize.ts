/** The one authorization point. Every root field and every download passes it; what it says holds everywhere. */
import { StepcastError } from './errors';

/** Who asks. Until keys exist there is one: whoever reaches the loopback address. */
export interface Viewer {
  readonly kind: 'local';
  /** Owner of Submissions and uploads, and of idempotency keys. */
  readonly name: string;
}

export const LOCAL_VIEWER: Viewer = { kind: 'local', name: 'local' };

/** What is asked for: a root field such as `Mutation.cancelSubmission`, or `download`, `upload`, `graph`, `hook`, `metrics`. */
export interface Access {
  readonly action: string;
}

/** Throws FORBIDDEN unless the viewer may. The local viewer may do everything; the server then listens on loopback only. */
export function authorize(viewer: Viewer | null, access: Access): void {
  if (viewer?.kind === 'local') return;
  throw new StepcastError('FORBIDDEN', `You may not use ${access.action}.`);
}
