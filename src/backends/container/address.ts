/** Where the container engine listens: said by the Backend, by the usual variables, or found in the usual places. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { messageOf, StepcastError } from '../../domain/errors';

/** How to reach an engine. */
export type EngineAddress =
  | { readonly kind: 'socket'; readonly path: string; readonly text: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly text: string;
      /** A folder with ca.pem, cert.pem and key.pem; null: no encryption. */
      readonly certificates: string | null;
    };

/** An address, or where one was looked for in vain. */
export type Located =
  | { readonly address: EngineAddress }
  | {
      readonly lookedAt: readonly string[];
      /** An engine is installed, and does not run. */ readonly installed: boolean;
    };

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT = 2375;
const DEFAULT_TLS_PORT = 2376;

/**
 * `given` comes before DOCKER_HOST, that before CONTAINER_HOST, and these before the places where Docker and Podman put
 * their sockets. Throws CONFIGURATION for an address that makes no sense.
 */
export function locateEngine(given: string | undefined, environment: Environment = process.env): Located {
  const named = given ?? (environment['DOCKER_HOST'] || environment['CONTAINER_HOST'] || undefined);
  if (named !== undefined) return { address: parseAddress(named, environment) };
  const places = usualPlaces(environment);
  const path = places.find((place) => existsSync(place));
  if (path !== undefined) return { address: { kind: 'socket', path, text: `unix://${path}` } };
  const installed = (environment['PATH'] ?? '')
    .split(delimiter)
    .some((folder) => ['dockerd', 'podman'].some((name) => folder !== '' && existsSync(join(folder, name))));
  return { lookedAt: places, installed };
}

/** Reads `unix:///run/docker.sock`, `/run/docker.sock`, `tcp://host:2376` and the like. */
export function parseAddress(text: string, environment: Environment = {}): EngineAddress {
  if (isAbsolute(text)) return { kind: 'socket', path: text, text: `unix://${text}` };
  if (text.startsWith('unix://')) {
    const path = text.slice('unix://'.length);
    if (isAbsolute(path)) return { kind: 'socket', path, text };
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && ['tcp:', 'http:', 'https:'].includes(url.protocol) && url.hostname !== '') {
    const wanted = url.protocol === 'https:' || Boolean(environment['DOCKER_TLS_VERIFY']);
    const certificates = wanted ? (environment['DOCKER_CERT_PATH'] ?? join(homedir(), '.docker')) : null;
    const port = url.port === '' ? (certificates === null ? DEFAULT_PORT : DEFAULT_TLS_PORT) : Number(url.port);
    return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port, text, certificates };
  }
  throw new StepcastError(
    'CONFIGURATION',
    `The container engine's address \`${text}\` is not understood. Write unix:///run/docker.sock or tcp://host:2376; for ssh, forward its socket.`,
  );
}

/** What proves the worker to an engine that encrypts. Throws CONFIGURATION when the files cannot be read. */
export async function readCertificates(folder: string): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> {
  try {
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(folder, name))),
    );
    return { ca, cert, key } as { ca: Buffer; cert: Buffer; key: Buffer };
  } catch (error) {
    const message = `The certificates for the container engine cannot be read: ${messageOf(error)}. Set DOCKER_CERT_PATH to their folder.`;
    throw new StepcastError('CONFIGURATION', message, { cause: error });
  }
}

function usualPlaces(environment: Environment): string[] {
  const user = process.getuid?.();
  const runtime = environment['XDG_RUNTIME_DIR'] ?? (user === undefined ? undefined : `/run/user/${user}`);
  const own = runtime === undefined ? [] : [join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock')];
  const system = ['/var/run/docker.sock', '/run/podman/podman.sock'];
  const desktop = [join(homedir(), '.docker/run/docker.sock')];
  // Root's own are the system's.
  return user === 0 ? [...system, ...desktop] : [...own, ...system, ...desktop];
}
