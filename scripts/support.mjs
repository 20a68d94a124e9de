// What the scripts share. Plain Node without dependencies: this runs before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const project = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const LEAST_NODE = 20;
/** Lines of a failed command that are shown. */
const TAIL_LINES = 40;
const MAX_OUTPUT_CHARACTERS = 1_000_000;

export const inProject = (...parts) => path.join(project, ...parts);

/** Ends the process with one sentence. */
export function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

export function checkNode(version = process.versions.node) {
  if (Number(version.split('.')[0]) >= LEAST_NODE) return;
  fail(
    `Stepcast needs Node ${LEAST_NODE} or newer, and this is Node ${version}: install a newer one from https://nodejs.org.`,
  );
}

export const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** Runs a program of node_modules or npm; the output is shown only when it fails. */
export async function runQuietly(command, args, options = {}) {
  const child = spawn(command, args, { cwd: project, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      output = (output + text).slice(-MAX_OUTPUT_CHARACTERS);
    });
  }
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += error.message;
      resolve(127);
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
  return { ok: code === 0, output, tail: output.trimEnd().split('\n').slice(-TAIL_LINES).join('\n') };
}

/** Runs a script of an installed package with this Node, which spares a search along PATH. */
export const runTool = (script, args, options) =>
  runQuietly(process.execPath, [inProject('node_modules', script), ...args], options);

/** Runs one of these scripts. */
export const runScript = (name, ...args) => runQuietly(process.execPath, [inProject('scripts', name), ...args]);

/** A fingerprint of files and folders: `quick` from sizes and times, `exact` from contents. */
export function fingerprint(entries, kind) {
  const hash = createHash('sha256').update(process.version);
  const visit = (file) => {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(file).sort()) if (name !== 'node_modules') visit(path.join(file, name));
      return;
    }
    hash.update(`\0${path.relative(project, file)}\0`);
    if (kind === 'exact') hash.update(readFileSync(file));
    else hash.update(`${stat.size} ${stat.mtimeMs}`);
  };
  for (const entry of entries) visit(inProject(entry));
  return hash.digest('hex');
}

export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

export function writeJson(file, value) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value)}\n`);
}

/** Holds a lock for this project while `action` runs, so that two terminals do not install or build at once. */
export async function locked(action) {
  const name = createHash('sha256').update(project).digest('hex').slice(0, 12);
  const file = path.join(os.tmpdir(), `stepcast-prepare-${name}-${process.getuid?.() ?? 0}.lock`);
  for (let told = false; ; told = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(file, { encoding: 'utf8', flag: 'a+' }));
      if (!alive(holder)) {
        rmSync(file, { force: true });
        continue;
      }
      if (!told) console.log(`Waiting for process ${holder}, which installs or builds this project right now …`);
      await delay(300);
    }
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await action();
  } finally {
    process.off('exit', release);
    release();
  }
}

function alive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
