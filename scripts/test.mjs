// Runs all tests after the same preparation as a start. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepare } from './prepare.mjs';
import { inProject, project, readJson } from './support.mjs';

await prepare();

const folder = mkdtempSync(path.join(os.tmpdir(), 'stepcast-result-'));
const result = path.join(folder, 'result.json');
const child = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    inProject('node_modules', 'jest', 'bin', 'jest.js'),
    '--json',
    `--outputFile=${result}`,
    ...process.argv.slice(2),
  ],
  // With --json the report of every test would go to standard output; the readable one goes to standard error.
  { cwd: project, stdio: ['inherit', 'ignore', 'inherit'] },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
const code = await new Promise((resolve) => child.on('close', (status) => resolve(status ?? 1)));
const counts = readJson(result);
rmSync(folder, { recursive: true, force: true });

const passed = counts?.numPassedTests ?? 0;
// A file that cannot even be loaded has no tests to count, and is a failure all the same.
const failed = counts ? counts.numFailedTests + counts.numRuntimeErrorTestSuites : 1;
const skipped = counts ? counts.numPendingTests + counts.numTodoTests : 0;
console.log(
  `${passed} passed, ${code !== 0 && failed === 0 ? 1 : failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exitCode = code;
