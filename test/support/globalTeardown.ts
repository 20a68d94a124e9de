import { rm } from 'node:fs/promises';
import './globalSetup';

/** Stops what the set-up started and removes its folder. */
export default async function globalTeardown(): Promise<void> {
  const started = globalThis.stepcastTestServices;
  if (!started) return;
  await Promise.all(started.services.map((service) => service.stop()));
  await rm(started.home, { recursive: true, force: true });
}
