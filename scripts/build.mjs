// Compiles the TypeScript into dist/ and, beside it, bundles the console.
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { checkNode, fail, fingerprint, inProject, locked, readJson, runTool, seconds, writeJson } from './support.mjs';

const CODE_FOLDERS = ['src', 'schema', 'workers', 'migrations', 'bench'];

const DRIVERS = ['script', 'spark'].map((folder) => path.join('src', 'backends', folder, 'drivers'));

const parts = [
  {
    name: 'service',
    sources: [...CODE_FOLDERS, 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
    result: ['dist', 'src'],
    exists: () => true,
    run: async () => {
      removeOrphans();
      copyDrivers();
      return runTool('typescript/bin/tsc', ['-p', 'tsconfig.build.json']);
    },
  },
  {
    name: 'console',
    sources: ['console', 'package-lock.json'],
    result: ['dist', 'console'],
    exists: () => consoleConfig() !== undefined,
    run: () =>
      runTool('vite/bin/vite.js', ['build', '--config', path.join('console', consoleConfig()), '--logLevel', 'warn']),
  },
];

const stampOf = (part) => inProject('dist', `.${part.name}.stamp.json`);
const consoleConfig = () =>
  existsSync(inProject('console'))
    ? readdirSync(inProject('console')).find((name) => /^vite\.config\./.test(name))
    : undefined;

/** Whether a source changed since the last build. Touched files with the same content do not count. */
export function buildNeeded() {
  return outdated().length > 0;
}

export async function build() {
  const jobs = outdated();
  const started = Date.now();
  console.log(`Building the ${jobs.map(({ part }) => part.name).join(' and the ')} …`);
  const results = await Promise.all(
    jobs.map(async ({ part, quick }) => {
      const exact = fingerprint(part.sources, 'exact');
      const { ok, tail } = await part.run();
      if (ok) writeJson(stampOf(part), { quick, exact });
      return { part, ok, tail };
    }),
  );
  const failed = results.filter(({ ok }) => !ok);
  if (failed.length > 0) {
    for (const { tail } of failed) process.stderr.write(`${tail}\n`);
    fail(`\nThe ${failed.map(({ part }) => part.name).join(' and the ')} could not be built: see the lines above.`);
  }
  console.log(`Built (${seconds(started)}).`);
}

function outdated() {
  return parts.flatMap((part) => {
    if (!part.exists()) return [];
    const quick = fingerprint(part.sources, 'quick');
    const stamp = existsSync(inProject(...part.result)) ? readJson(stampOf(part)) : undefined;
    if (stamp?.quick === quick) return [];
    if (stamp && stamp.exact === fingerprint(part.sources, 'exact')) {
      writeJson(stampOf(part), { ...stamp, quick });
      return [];
    }
    return [{ part, quick }];
  });
}

// The drivers of some backends are source code of other languages: they are run as they are.
function copyDrivers() {
  for (const folder of DRIVERS) {
    const [from, to] = [inProject(folder), inProject('dist', folder)];
    rmSync(to, { recursive: true, force: true });
    cpSync(from, to, { recursive: true });
  }
}

// A removed source leaves its output behind, and a left-over migration would run.
function removeOrphans() {
  for (const folder of CODE_FOLDERS) {
    if (!existsSync(inProject('dist', folder))) continue;
    for (const entry of readdirSync(inProject('dist', folder), { recursive: true })) {
      const [, name, extension] = /^(.*)(\.m?js)$/.exec(entry) ?? [];
      if (!name) continue;
      const base = path.join(folder, name);
      const sources = extension === '.mjs' ? ['.mjs'] : ['.ts', '.tsx'];
      if (sources.some((source) => existsSync(inProject(`${base}${source}`)))) continue;
      rmSync(inProject('dist', `${base}${extension}`), { force: true });
      rmSync(inProject('dist', `${base}${extension}.map`), { force: true });
    }
  }
}

if (process.argv[1] === inProject('scripts', 'build.mjs')) {
  checkNode();
  if (!existsSync(inProject('node_modules', 'typescript')))
    fail('Install first: `npm ci`, or `npm start` which does it by itself.');
  if (buildNeeded()) await locked(build);
  else console.log('Nothing to build.');
}
