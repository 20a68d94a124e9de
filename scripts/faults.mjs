// Runs the fault suite alone, for as long as one likes: `npm run faults -- --seed 7 --submissions 5000 --faults 600`.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { fail, inProject, project, runScript } from './support.mjs';

const OPTIONS = {
  seed: 'STEPCAST_FAULTS_SEED',
  submissions: 'STEPCAST_FAULTS_SUBMISSIONS',
  faults: 'STEPCAST_FAULTS_COUNT',
  journal: 'STEPCAST_FAULTS_JOURNAL',
};
const USAGE = 'npm run faults -- [--seed N] [--submissions N] [--faults N] [--journal FILE]';

function readOptions() {
  try {
    return parseArgs({
      options: Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, { type: 'string' }])),
    }).values;
  } catch (error) {
    return fail(`${error.message}\nUsage: ${USAGE}`);
  }
}

const values = readOptions();
for (const [name, value] of Object.entries(values))
  if (name !== 'journal' && !/^\d{1,10}$/.test(value))
    fail(`--${name} is a whole number, and this is ${value}.\nUsage: ${USAGE}`);

const { ok, tail } = await runScript('prepare.mjs');
if (!ok) fail(tail);
const env = Object.fromEntries(Object.entries(values).map(([name, value]) => [OPTIONS[name], value]));
// Libraries that are ES modules only are imported inside jest's sandbox, which Node allows behind this flag.
const flags = ['--experimental-vm-modules', '--no-warnings', inProject('node_modules', 'jest', 'bin', 'jest.js')];
const child = spawn(process.execPath, [...flags, '--runTestsByPath', inProject('test', 'faults', 'faults.test.ts')], {
  cwd: project,
  stdio: 'inherit',
  env: { ...process.env, ...env },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.exitCode = await new Promise((resolve) => child.on('close', (status) => resolve(status ?? 1)));
