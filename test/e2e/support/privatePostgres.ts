import { ensurePostgres } from '../../../src/embedded';
import { startPrivate, type PrivateService } from './privateService';

/** A Postgres of one test's own; it comes back with its data. */
export type PrivatePostgres = PrivateService;

export const startPostgres = (): Promise<PrivatePostgres> =>
  startPrivate('postgres', (home) => ensurePostgres({ home, log: () => undefined }));
