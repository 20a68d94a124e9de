export { EmbeddedServiceError } from './errors';
export { ensurePostgres } from './postgres';
export { ensureRedis, REDIS_DATABASES } from './redis';
export type { EmbeddedOptions, EmbeddedService } from './service';
