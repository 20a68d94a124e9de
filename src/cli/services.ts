import type { Settings } from '../config/settings';
import { ensurePostgres, ensureRedis, type EmbeddedOptions, type EmbeddedService } from '../embedded';
import { openLog, type LogFile } from './logFile';
import path from 'node:path';

const RESTART_DELAY_MS = 200;
const MAX_RESTARTS = 5;
const RESTART_WINDOW_MS = 60_000;

/** Where Postgres and Redis are, whoever runs them. */
export interface Services {
  readonly databaseUrl: () => string;
  readonly redisUrl: () => string;
  /** Stops what was started, Redis first; each gets this long for a clean end. */
  stop(withinMs: number): Promise<void>;
}

export interface ServicesOptions {
  readonly settings: Settings;
  readonly print: (line: string) => void;
  /** A service had to move to another address. */
  readonly moved: () => void;
  readonly gaveUp: (reason: string) => void;
}

/** Starts the services that the settings do not name, and starts them again when they die. */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { databaseUrl, redisUrl } = options.settings;
  const [postgres, redis] = await Promise.allSettled([
    databaseUrl === undefined ? keep('Postgres', ensurePostgres, options) : external(databaseUrl),
    redisUrl === undefined ? keep('Redis', ensureRedis, options) : external(redisUrl),
  ]);
  if (postgres.status === 'rejected' || redis.status === 'rejected') {
    for (const result of [redis, postgres]) {
      if (result.status === 'fulfilled') await result.value.stop(1_000);
    }
    throw postgres.status === 'rejected' ? postgres.reason : (redis as PromiseRejectedResult).reason;
  }
  return {
    databaseUrl: postgres.value.url,
    redisUrl: redis.value.url,
    stop: async (withinMs) => {
      await redis.value.stop(withinMs);
      await postgres.value.stop(withinMs);
    },
  };
}

interface Kept {
  readonly url: () => string;
  stop(withinMs: number): Promise<void>;
}

function external(url: string): Promise<Kept> {
  return Promise.resolve({ url: () => url, stop: () => Promise.resolve() });
}

async function keep(
  name: string,
  ensure: (options: EmbeddedOptions) => Promise<EmbeddedService>,
  { settings, print, moved, gaveUp }: ServicesOptions,
): Promise<Kept> {
  const log: LogFile = openLog(path.join(settings.home, 'logs'), name.toLowerCase());
  const options: EmbeddedOptions = { home: settings.home, log: (line) => log.write(line) };
  let service = await ensure(options);
  let stopping = false;
  let recent: number[] = [];
  let again: Promise<void> = Promise.resolve();

  const watch = (watched: EmbeddedService): void => {
    void watched.exited?.then(() => {
      if (!stopping) again = startAgain();
    });
  };
  const startAgain = async (): Promise<void> => {
    const now = Date.now();
    recent = [...recent.filter((time) => now - time < RESTART_WINDOW_MS), now];
    if (recent.length > MAX_RESTARTS) {
      gaveUp(`${name} ended ${recent.length} times within a minute: see ${log.path}.`);
      return;
    }
    print(`${name} ended unexpectedly; starting it again.`);
    await new Promise((resolve) => setTimeout(resolve, RESTART_DELAY_MS * recent.length));
    if (stopping) return;
    const before = service.url;
    try {
      service = await ensure(options);
    } catch (error) {
      gaveUp(error instanceof Error ? error.message : String(error));
      return;
    }
    print(`${name} is back.`);
    watch(service);
    if (service.url !== before) moved();
  };

  watch(service);
  return {
    url: () => service.url,
    stop: async (withinMs) => {
      stopping = true;
      await again;
      await service.stop(withinMs);
      await log.close();
    },
  };
}
