/** Why an Attempt is ended before its command ends by itself. */
import type { LimitKind } from '../../domain/readExit';

/** `fault`: its output cannot be written any more. */
export type StopReason = 'cancelled' | 'shutdown' | LimitKind | 'fault';

export const isLimit = (reason: StopReason | undefined): reason is LimitKind =>
  reason === 'TIMEOUT' || reason === 'HEARTBEAT' || reason === 'OUT_OF_MEMORY';
