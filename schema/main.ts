/** The API process: `npm run api`, or a child of `npm start`. */
import 'reflect-metadata';
import { join } from 'node:path';
import { createLog } from '../src/config/log';
import { exitWithParent } from '../src/config/parentWatch';
import { readSettings, requireServices, SettingsError, withFlags } from '../src/config/settings';
import { signingSecret } from '../src/config/secret';
import { StepcastError } from '../src/domain/errors';
import { startApi, type Api } from './server/api';

/** This file runs from `dist/schema`. */
const PROJECT = join(__dirname, '../..');

async function main(): Promise<void> {
  const settings = requireServices(readSettings(withFlags(process.argv.slice(2))));
  let api: Api | null = null;
  exitWithParent(async () => api?.stop());
  api = await startApi({
    settings,
    secret: await signingSecret(settings),
    jobFolders: [join(PROJECT, 'examples'), ...settings.jobFolders],
    consoleDir: join(PROJECT, 'dist/console'),
    log: createLog('api', settings.logLevel),
  });
}

main().catch((error: unknown) => {
  const forPeople = error instanceof SettingsError || error instanceof StepcastError;
  process.stderr.write(
    `${forPeople ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
