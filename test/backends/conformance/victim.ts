/** A worker in small, in a process of its own, that is killed while it runs an Attempt. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptRequest } from '../../../src/backends/backend';
import { compile } from '../../workers/compile';

const WORKER = `
  const { readFileSync } = require('node:fs');
  const { join } = require('node:path');
  const { createHost } = require('./src/backends/host');
  const { createLocalStore } = require('./src/artifacts/localStore');
  const { startGuard } = require('./workers/guard');
  const home = process.argv[2];
  startGuard({ workerId: 'victim' });
  const artifacts = createLocalStore(join(home, 'artifacts'));
  const host = createHost({ workDir: join(home, 'work'), workerId: 'victim', artifacts, log: console.error });
  const request = JSON.parse(readFileSync(join(home, 'request.json'), 'utf8'));
  const tell = (kind) => (error) => console.log(kind + ': ' + (error.message ?? JSON.stringify(error)));
  host
    .start(request, { log: (_, bytes) => process.stdout.write(bytes), progress() {}, note: (text) => console.log(text) })
    .outcome.then(tell('ended'), tell('failed'));
`;

export interface Victim {
  readonly process: ChildProcess;
  /** Resolves with all output so far when it holds the text. */
  until(text: string): Promise<string>;
  kill(): Promise<void>;
  remove(): void;
}

/** Starts the Attempt under \`home\`, whose folders it shares with the host that takes over. */
export function startVictim(home: string, request: AttemptRequest): Victim {
  const compiled = compile('src/domain', 'src/artifacts', 'src/backends', 'workers/guard.ts');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(compiled, 'worker.js'), WORKER);
  writeFileSync(join(home, 'request.json'), JSON.stringify(request));
  const child = spawn(process.execPath, [join(compiled, 'worker.js'), home], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      for (const look of waiting) look();
    });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    process: child,
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.includes(text)) resolve(output);
          else if (/^(ended|failed): /m.test(output)) reject(new Error(output));
        };
        waiting.add(look);
        look();
        void exited.then(() => reject(new Error(`the worker ended: ${output}`)));
      }),
    kill: () => {
      child.kill('SIGKILL');
      return exited;
    },
    remove: () => rmSync(compiled, { recursive: true, force: true }),
  };
}
