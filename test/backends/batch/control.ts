/** Stops and starts the engines of this machine. */
import { spawn } from 'node:child_process';

/** Runs `scripts/engines/stop` or `start`. What they start keeps no pipe of ours open. */
export function control(what: 'stop' | 'start', engine: string): Promise<void> {
  const child = spawn('bash', [`scripts/engines/${what}`, engine], { stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${what} ${engine} ended with ${code}`))));
  });
}
