import path from 'node:path';
import { readSettings, SettingsError, unknownVariables, withFlags } from '../config/settings';
import { EmbeddedServiceError } from '../embedded';
import { runFirstExample } from './firstRun';
import { launch, type Launched } from './launcher';
import { stopWithNpm } from './npmParent';
import { StartError } from './startError';

/** What `npm start` runs after the build. */
async function main(): Promise<void> {
  // The terminal may be closed under us: stopping must go on without it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const running: { launched?: Launched } = {};
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) {
      const { launched } = running;
      if (launched === undefined) process.exit(130);
      print('\nStopping (again to hurry) …');
      launched.stop().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
      return;
    }
    running.launched?.hurry();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  stopWithNpm(onSignal);

  const environment = withFlags(process.argv.slice(2));
  for (const sentence of unknownVariables(environment)) print(sentence);
  const settings = readSettings(environment);
  print('Stepcast');
  const launched = await launch({
    settings,
    environment,
    dist: path.join(__dirname, '../..'),
    print,
    firstExample: runFirstExample,
  });
  running.launched = launched;
  const reason = await launched.ended;
  print(reason);
  await launched.stop();
  process.exit(1);
}

function fail(error: unknown): never {
  const known = error instanceof StartError || error instanceof SettingsError || error instanceof EmbeddedServiceError;
  process.stderr.write(
    `${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
}

main().catch(fail);
