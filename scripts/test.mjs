// Runs all tests after the same preparation as a start. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { leftOut } from './leftOut.mjs';
import { inProject, project, readJson } from './support.mjs';

const folder = mkdtempSync(path.join(os.tmpdir(), 'stepcast-result-'));
const result = path.join(folder, 'result.json');

let running;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => running?.kill(signal));

/** Runs a script in this terminal and returns its exit code. */
async function run(args, stdio) {
  running = spawn(process.execPath, args, { cwd: project, stdio });
  return new Promise((resolve) => running.on('close', (status) => resolve(status ?? 1)));
}

// A process of its own: when the preparation ends with a sentence, the closing line still follows.
let code = await run([inProject('scripts', 'prepare.mjs')], 'inherit');
if (code === 0) {
  const jest = inProject('node_modules', 'jest', 'bin', 'jest.js');
  // With --json the report goes to standard output a second time; the readable one goes to standard error.
  const output = ['inherit', 'ignore', 'inherit'];
  // Libraries that are ES modules only are imported inside jest's sandbox, which Node allows behind this flag.
  const flags = ['--experimental-vm-modules', '--no-warnings'];
  code = await run([...flags, jest, '--json', `--outputFile=${result}`, ...process.argv.slice(2)], output);
}
const counts = readJson(result);
rmSync(folder, { recursive: true, force: true });

const passed = counts?.numPassedTests ?? 0;
// A file that cannot even be loaded has no tests to count, and is a failure all the same.
const failed = counts ? counts.numFailedTests + counts.numRuntimeErrorTestSuites : 1;
const skipped = counts ? counts.numPendingTests + counts.numTodoTests : 0;
const missing = leftOut(counts);
if (missing.length > 0) console.log(`left out: ${missing.join(', ')}; docs/engines.md tells how to bring these up`);
console.log(
  `${passed} passed, ${code !== 0 && failed === 0 ? 1 : failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exitCode = code;
