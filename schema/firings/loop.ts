/** One pass over everything that fires by itself; each API process makes one a second. */
import { messageOf } from '../../src/domain/errors';
import { followDefinitions, noteEndings, planSchedules } from '../../src/engine/firings';
import { takeDueFirings } from '../../src/store/statements/firings';
import type { Services } from '../context';
import { fire } from './fire';
import { pinFiles } from './pin';

/** Firings that one pass brings to an end. */
const FIRINGS_PER_PASS = 50;
/** A process that took a firing and died leaves it to the others after this. */
export const LEASE_SECONDS = 30;

export async function firingPass(services: Services, warn: (message: string) => void): Promise<void> {
  const { db, catalog } = services;
  await followDefinitions(db, pinFiles(services));
  await planSchedules(db);
  const awaitsEnds = [...catalog.current().triggers.values()].some(({ spec }) => spec.on.kind === 'COMPLETION');
  if (awaitsEnds) await noteEndings(db);
  const due = await takeDueFirings(db, FIRINGS_PER_PASS, LEASE_SECONDS);
  for (const firing of due) {
    await fire(services, firing).catch((error: unknown) =>
      warn(`${firing.kind.toLowerCase()} ${firing.name}: ${messageOf(error)}`),
    );
  }
}
