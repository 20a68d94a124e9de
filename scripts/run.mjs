// Prepares, then becomes one of the built programs: `node scripts/run.mjs schema/main.js …`.
import Module from 'node:module';
import { prepare } from './prepare.mjs';
import { inProject } from './support.mjs';

export async function run(entry, args) {
  await prepare();
  process.argv = [process.execPath, inProject('dist', entry), ...args];
  // In this very process: signals, the terminal and the IPC channel reach the program without a relay.
  Module.runMain();
}

if (process.argv[1] === inProject('scripts', 'run.mjs')) {
  const [, , entry, ...args] = process.argv;
  if (entry === undefined) {
    console.error('Usage: node scripts/run.mjs <file below dist> [arguments]');
    process.exit(2);
  }
  await run(entry, args);
}
