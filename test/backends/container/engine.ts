/** An engine of a test's own, on the images and containers of the machine's, which it may take away and bring back. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Engines } from '../../support/findEngines';

export interface OwnEngine {
  readonly socket: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function ownEngine(
  { podman, environment }: Engines['CONTAINER'],
  socket: string,
  more: Readonly<Record<string, string>> = {},
): OwnEngine {
  let service: ChildProcess | undefined;
  return {
    socket,
    async start() {
      service = spawn(podman, ['system', 'service', '--time=0', `unix://${socket}`], {
        stdio: 'ignore',
        env: { ...process.env, ...environment, ...more },
      });
      while (!(await ask(socket, 'GET', '/_ping').catch(() => null))) await delay(20);
    },
    async stop() {
      if (!service) return;
      const gone = once(service, 'exit');
      service.kill('SIGKILL');
      await gone;
    },
  };
}

/** The answer to a call of the engine's API. */
export function ask(socket: string, method: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: socket, method, path }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
      answer.on('error', reject);
    });
    call.on('error', reject).end();
  });
}

/** The names of containers whose Attempt's directory lies in this folder. */
export async function containersIn(socket: string, folder: string): Promise<string[]> {
  const { body } = await ask(socket, 'GET', '/containers/json?all=true');
  return (JSON.parse(body) as { Names: string[]; Labels?: Record<string, string> }[])
    .filter(({ Labels }) => Labels?.['stepcast.directory']?.startsWith(folder))
    .map(({ Names }) => Names[0]?.replace('/', '') ?? '');
}
