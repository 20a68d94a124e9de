/**
 * A stand-in for a cluster: it speaks the answers of a real API server, as far as Jobs need them, and runs the command of
 * each pod as a process of this machine, whose processes end with the first of them as in a container.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Job, Pod } from '../../../src/backends/kubernetes/readPod';

interface JobBody {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Record<string, string> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly {
          readonly image: string;
          readonly command: readonly string[];
          readonly workingDir: string;
          readonly env: readonly { readonly name: string; readonly value: string }[];
        }[];
      };
    };
  };
}

interface Kept {
  readonly job: Job & { readonly metadata: { readonly name: string } };
  pod: Pod | undefined;
  readonly process: ChildProcess | undefined;
  readonly graceSeconds: number;
}

export interface StandIn {
  /** Of a file that says where it listens. */
  readonly kubeconfig: string;
  /** The names of the Jobs that are there. */
  names(): string[];
  /** Jobs that were asked for, as they came. */
  readonly created: JobBody[];
  /** Puts other words about its pod in the place of what happens. */
  say(pod: Pod): void;
  /** Takes the next Job, and breaks the line before it says so. */
  loseAnswer(): void;
  /** Removes a Job behind everybody's back. */
  lose(name: string): void;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** An answer to a Job that the API server does not take. */
const INVALID = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'Job.batch "x" is invalid: spec.template.spec.containers[0].image: Invalid value: "refused"',
  reason: 'Invalid',
  code: 422,
};
const NOT_FOUND = {
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message: 'jobs.batch "x" not found',
  reason: 'NotFound',
  code: 404,
};
const EXISTS = {
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message: 'jobs.batch "x" already exists',
  reason: 'AlreadyExists',
  code: 409,
};
const VERSION = { major: '1', minor: '31', gitVersion: 'v1.31.4', goVersion: 'go1.22.9', platform: 'linux/amd64' };

export async function startStandIn(folder: string): Promise<StandIn> {
  const kept = new Map<string, Kept>();
  const created: JobBody[] = [];
  let said: Pod | undefined;
  let breaks = false;
  let server: Server;
  let port = 0;

  const create = (body: JobBody): void => {
    const { name } = body.metadata;
    const { spec, metadata } = body.spec.template;
    const [container] = spec.containers;
    if (!container) throw new Error('a pod without a container');
    const labels = { ...metadata.labels, 'batch.kubernetes.io/job-name': name };
    const podOf = (phase: string, state: object): Pod => ({
      metadata: { name: `${name}-abcde`, labels },
      spec: { nodeName: 'node-1' },
      status: { phase, containerStatuses: [{ imageID: `${container.image}@sha256:0`, state }] },
    });
    created.push(body);
    const user = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user'];
    const process_ = said
      ? undefined
      : spawn('unshare', [...user, '--pid', '--fork', '--kill-child', ...container.command.map(unescaped)], {
          cwd: container.workingDir,
          env: {
            PATH: process.env['PATH'],
            ...Object.fromEntries(container.env.map(({ name, value }) => [name, unescaped(value)])),
          },
          stdio: 'ignore',
          detached: true,
        });
    const one: Kept = {
      job: { metadata: { name }, status: {} },
      pod: said ? { ...said, metadata: { name: `${name}-abcde`, labels } } : podOf('Running', { running: {} }),
      process: process_,
      graceSeconds: spec.terminationGracePeriodSeconds,
    };
    kept.set(name, one);
    process_?.once('exit', (code, signal) => {
      const exitCode = code ?? (signal === 'SIGKILL' ? 137 : 143);
      one.pod = podOf(exitCode === 0 ? 'Succeeded' : 'Failed', {
        terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' },
      });
    });
  };

  const remove = async (name: string): Promise<void> => {
    const { process: running, graceSeconds } = kept.get(name) ?? {};
    if (running?.pid !== undefined && running.exitCode === null && running.signalCode === null) {
      const gone = once(running, 'exit');
      // It ends its namespace when it is ended itself.
      const killing = setTimeout(() => running.kill('SIGKILL'), (graceSeconds ?? 0) * 1_000);
      await gone;
      clearTimeout(killing);
    }
    kept.delete(name);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '', 'http://cluster');
    const send = (body: object, status = 200): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    };
    const [, name] = /\/namespaces\/science\/jobs(?:\/(.+))?$/.exec(pathname) ?? [];
    if (pathname.startsWith('/version')) return send(VERSION);
    if (pathname.endsWith('/namespaces/science/pods'))
      return send({
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: {},
        items: [...kept.values()].flatMap(({ pod }) => pod ?? []),
      });
    if (request.method === 'GET' && pathname.endsWith('/jobs'))
      return send({
        kind: 'JobList',
        apiVersion: 'batch/v1',
        metadata: {},
        items: [...kept.values()].map(({ job }) => job),
      });
    if (request.method === 'POST') {
      const body = (await json(request)) as JobBody;
      if (body.spec.template.spec.containers[0]?.image === 'refused') return send(INVALID, 422);
      if (kept.has(body.metadata.name)) return send(EXISTS, 409);
      create(body);
      if (breaks) {
        breaks = false;
        request.socket.destroy();
        return;
      }
      return send(body, 201);
    }
    if (request.method === 'DELETE' && name !== undefined) {
      if (!kept.has(name)) return send(NOT_FOUND, 404);
      void remove(name);
      return send({ kind: 'Job', apiVersion: 'batch/v1', metadata: { name } });
    }
    send(NOT_FOUND, 404);
  };

  const kubeconfig = `${folder}/kubeconfig`;
  const standIn: StandIn = {
    kubeconfig,
    created,
    names: () => [...kept.keys()],
    say: (pod) => (said = pod),
    loseAnswer: () => void (breaks = true),
    lose: (name) => void remove(name),
    async start() {
      server = createServer((request, response) => void answer(request, response));
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          { name: 'stand-in', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
        ],
        users: [{ name: 'me', user: { token: 'a-token' } }],
        contexts: [{ name: 'test', context: { cluster: 'stand-in', user: 'me', namespace: 'science' } }],
        'current-context': 'test',
      };
      // JSON is YAML as well.
      writeFileSync(kubeconfig, JSON.stringify(config));
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  await standIn.start();
  return standIn;
}

/** As Kubernetes reads a word: two dollar signs are one, and `$(NAME)` a variable, of which there must be none. */
function unescaped(text: string): string {
  return text.replace(/\$(\$|\([^)]*\))/g, (_, next: string) => {
    if (next !== '$') throw new Error(`Kubernetes would put a variable into ${text}`);
    return '$';
  });
}
