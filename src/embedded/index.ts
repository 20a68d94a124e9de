export { EmbeddedServiceError } from './errors';
export { freePort, isAlive } from './process';
export { ensurePostgres } from './postgres';
export { ensureRedis, REDIS_DATABASES } from './redis';
export type { EmbeddedOptions, EmbeddedService } from './service';
