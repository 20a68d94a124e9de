/** Why an Attempt is ended, or left, before its command ends by itself. */
import type { LimitKind } from '../../domain/readExit';

/**
 * `shutdown`: the worker ends now. `handover`: it ends soon, and what can go on without it shall do so. `lost`: it was
 * silent, and another worker may have gone on with it. `fault`: its output cannot be written any more.
 */
export type StopReason = 'cancelled' | 'shutdown' | 'handover' | 'lost' | LimitKind | 'fault';

export const isLimit = (reason: StopReason | undefined): reason is LimitKind =>
  reason === 'TIMEOUT' || reason === 'HEARTBEAT' || reason === 'OUT_OF_MEMORY';

/** The worker goes, and the command need not. */
export const isParting = (reason: StopReason | undefined): boolean =>
  reason === 'shutdown' || reason === 'handover' || reason === 'lost';
