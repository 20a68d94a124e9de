// Installs and builds when needed, and costs next to nothing when not.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { build, buildNeeded } from './build.mjs';
import { checkNode, fail, inProject, locked, readJson, runQuietly, seconds, writeJson } from './support.mjs';

const SHOWN_LINES = 15;

const installStamp = () => inProject('node_modules', '.stepcast-install.json');

/** Ends the process with a sentence when that is not possible. */
export async function prepare({ only = 'all' } = {}) {
  checkNode();
  const mustBuild = () => only !== 'install' && buildNeeded();
  if (!installNeeded() && !mustBuild()) return;
  await locked(async () => {
    if (installNeeded()) await install();
    if (mustBuild()) await build();
  });
}

function lockFingerprint() {
  return createHash('sha256')
    .update(`${process.platform} ${process.arch} ${process.versions.modules}`)
    .update(readFileSync(inProject('package-lock.json')))
    .digest('hex');
}

function installNeeded() {
  const fingerprint = lockFingerprint();
  if (readJson(installStamp())?.fingerprint === fingerprint) return false;
  if (!installedByHand()) return true;
  writeJson(installStamp(), { fingerprint });
  return false;
}

/** Whether npm has installed just what the lock file says: then it is not done again. */
function installedByHand() {
  const installed = readJson(inProject('node_modules', '.package-lock.json'))?.packages;
  const wanted = readJson(inProject('package-lock.json'))?.packages;
  if (!installed || !wanted) return false;
  return Object.entries(wanted).every(
    ([place, { version, optional, devOptional }]) =>
      place === '' ||
      optional ||
      devOptional ||
      (installed[place]?.version === version && existsSync(inProject(place))),
  );
}

async function install() {
  const started = Date.now();
  console.log('Installing the dependencies (once, about a minute) …');
  const flags = ['--include=dev', '--no-audit', '--no-fund'];
  let result = await npm(['ci', ...flags]);
  // A lock file made on one platform may lack the optional packages of another; then `npm ci` refuses altogether.
  if (/code EUSAGE/.test(result.output)) result = await npm(['install', '--no-save', ...flags]);
  if (/spawn npm ENOENT/.test(result.output)) fail('npm is not installed: install it beside Node and start again.');
  if (!result.ok) {
    const lines = result.output.split('\n').filter((line) => !/^npm (warn|notice)/i.test(line));
    fail(
      `${lines.slice(0, SHOWN_LINES).join('\n')}\n\nThe dependencies could not be installed: see the lines above; ` +
        `mostly the network, a proxy or a full disk is the reason.`,
    );
  }
  writeJson(installStamp(), { fingerprint: lockFingerprint() });
  console.log(`Dependencies are installed (${seconds(started)}).`);
}

/** The npm that runs us, else the one on PATH. */
function npm(args) {
  const cli = process.env.npm_execpath;
  if (cli !== undefined && /npm-cli\.c?js$/.test(cli)) return runQuietly(process.execPath, [cli, ...args]);
  return runQuietly('npm', args, { shell: process.platform === 'win32' });
}

if (process.argv[1] === inProject('scripts', 'prepare.mjs')) await prepare();
