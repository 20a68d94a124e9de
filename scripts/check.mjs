// Everything that can be said about the code without running it.
import { existsSync } from 'node:fs';
import { prepare } from './prepare.mjs';
import { inProject, runScript, runTool, seconds } from './support.mjs';

await prepare({ only: 'install' });

const checks = [
  { name: 'format', run: () => runTool('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']) },
  { name: 'types', run: () => runTool('typescript/bin/tsc', ['-p', 'tsconfig.json']) },
  { name: 'lint', run: () => runTool('eslint/bin/eslint.js', ['--max-warnings', '0', '.']) },
  { name: 'unused', run: () => runTool('knip/bin/knip.js', []) },
  ...(existsSync(inProject('schema', 'emit.ts'))
    ? [{ name: 'schema snapshot', run: () => runScript('run.mjs', 'schema/emit.js', '--check') }]
    : []),
];

let failed = 0;
for (const { name, run } of checks) {
  const started = Date.now();
  const { ok, tail } = await run();
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds(started)})`);
  if (!ok) {
    failed += 1;
    console.log(tail.replaceAll(/^/gm, '    '));
  }
}
process.exitCode = failed === 0 ? 0 : 1;
