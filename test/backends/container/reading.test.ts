import { parseAddress, locateEngine } from '../../../src/backends/container/address';
import { containerRequest } from '../../../src/backends/container/containerRequest';
import { readEnd, type EndContext } from '../../../src/backends/container/exit';
import { factsOf } from '../../../src/backends/container/facts';
import { registryOf, splitReference } from '../../../src/backends/container/image';
import { createOutputSink } from '../../../src/backends/container/output';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { task } from '../support';
import { backendOf, problemsOf } from '../written';
import { containerBackend } from './support';

describe('where an engine listens', () => {
  test.each([
    ['unix:///run/docker.sock', { kind: 'socket', path: '/run/docker.sock' }],
    ['/run/podman.sock', { kind: 'socket', path: '/run/podman.sock' }],
    ['tcp://box', { kind: 'tcp', host: 'box', port: 2375, certificates: null }],
    ['tcp://[::1]:99', { kind: 'tcp', host: '::1', port: 99, certificates: null }],
  ])('is read from %s', (written, address) => {
    expect(parseAddress(written)).toMatchObject(address);
  });

  test('is encrypted where the environment wants it', () => {
    const environment = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' };
    expect(parseAddress('tcp://box', environment)).toMatchObject({ port: 2376, certificates: '/certs' });
  });

  test('is not understood by ssh, and the message tells what to write', () => {
    expect(() => parseAddress('ssh://me@box')).toThrow(/Write unix:/);
  });

  test('is said by the backend before the environment', () => {
    const environment = { DOCKER_HOST: 'unix:///env.sock' };
    expect(locateEngine('/own.sock', environment)).toMatchObject({ address: { path: '/own.sock' } });
    expect(locateEngine(undefined, environment)).toMatchObject({ address: { path: '/env.sock' } });
  });
});

describe('an image', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  test.each([
    ['debian', 'debian', 'latest'],
    ['debian:12', 'debian', '12'],
    ['localhost:5000/tools/samtools', 'localhost:5000/tools/samtools', 'latest'],
    ['localhost:5000/tools/samtools:1.20', 'localhost:5000/tools/samtools', '1.20'],
    [`debian@${digest}`, 'debian', digest],
  ])('%s is of %s, %s', (name, repository, tag) => {
    expect(splitReference(name)).toEqual({ repository, tag });
  });
});

describe('the registry of an image', () => {
  test.each([
    ['debian:12', 'docker.io'],
    ['tools/samtools', 'docker.io'],
    ['index.docker.io/tools/samtools', 'docker.io'],
    ['registry.example.org/tools/samtools:1.20', 'registry.example.org'],
    ['localhost/mine', 'localhost'],
    ['box:5000/mine@sha256:aa', 'box:5000'],
  ])('%s is %s', (name, registry) => {
    expect(registryOf(name)).toBe(registry);
  });
});

test('parts of cores are asked for as whole billionths', () => {
  const directory = { root: '/w', out: '/w/out', tmp: '/w/tmp' };
  const attempt = { stepRunId: 'r', attempt: 1, task: task(['true']), values: {}, argv: ['true'], env: {}, marks: {} };
  const request = containerRequest({
    attempt: {
      ...{ ...attempt, directory, stdin: 'null', inputPaths: {}, outputPaths: {} },
      resources: { cpus: 1.07 },
    },
    spec: containerBackend({ socket: '/engine.sock', image: 'debian' }),
    facts: factsOf({ Version: '27.1' }, {}),
    ...{ image: 'debian', init: true, user: null, hostname: 'here', folders: ['/w/out', '/w/tmp'] },
  });
  expect(request).toMatchObject({ HostConfig: { NanoCpus: 1_070_000_000 } });
});

describe('the end of a container', () => {
  const context: EndContext = {
    product: 'docker',
    exitRules: { success: [0], temporary: [], terminate: [] },
    memoryBytes: 1024 ** 3,
    init: true,
    program: 'sort',
    image: 'debian:12',
    interrupted: false,
    ended: false,
    firstError: '',
  };
  const exited = (ExitCode: number, OOMKilled = false) => ({ Status: 'exited', ExitCode, OOMKilled });
  const failureOf = (...given: Parameters<typeof readEnd>) => readEnd(...given).failure?.kind;

  test('is its exit code', () => {
    expect(readEnd(exited(3), context)).toEqual({ exitCode: 3, signal: null });
  });

  test('for memory is told by Docker, and guessed of Podman', () => {
    expect(failureOf(exited(1, true), context)).toBe('OUT_OF_MEMORY');
    expect(failureOf(exited(137), context)).toBeUndefined();
    expect(failureOf(exited(137), { ...context, product: 'podman' })).toBe('OUT_OF_MEMORY');
    expect(failureOf(exited(137), { ...context, product: 'podman', memoryBytes: undefined })).toBeUndefined();
  });

  test('that the task calls a success is one, whatever was killed inside', () => {
    expect(failureOf(exited(0, true), context)).toBeUndefined();
  });

  test('with its engine, or unseen, is a loss, unless the worker asked for it', () => {
    for (const state of [null, { Status: 'created', ExitCode: 0 }]) expect(failureOf(state, context)).toBe('LOST');
    const interrupted = { ...context, interrupted: true };
    for (const code of [137, 143, 255]) expect(failureOf(exited(code), interrupted)).toBe('LOST');
    expect(failureOf(exited(7), interrupted)).toBeUndefined();
    expect(failureOf(exited(137), { ...interrupted, ended: true })).toBeUndefined();
    expect(failureOf(null, { ...interrupted, ended: true })).toBeUndefined();
  });

  test('by its first process, which found no program, is the fault of the task', () => {
    const firstError = '[FATAL tini (7)] exec sort failed: No such file or directory\n';
    expect(failureOf(exited(127), { ...context, firstError })).toBe('NOT_STARTED');
    expect(failureOf(exited(127), { ...context, firstError: 'sh: sort: not found' })).toBeUndefined();
  });
});

test('output is put together from frames, wherever they are cut, and what was delivered is passed over', async () => {
  const frame = (stream: number, content: string): Buffer => {
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(Buffer.byteLength(content), 4);
    return Buffer.concat([head, Buffer.from(content)]);
  };
  const all = Buffer.concat([frame(1, 'one\n'), frame(2, 'err\n'), frame(1, ''), frame(1, 'größe\n')]);
  const cut = (size: number) =>
    Readable.from(
      Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
        all.subarray(index * size, (index + 1) * size),
      ),
    );
  for (const size of [1, 3, 8, 100]) {
    const sink = createOutputSink();
    const told = Promise.all([text(sink.stdout), text(sink.stderr)]);
    await sink.carry(Readable.from([all.subarray(0, 14)]));
    await sink.carryAgain(cut(size));
    sink.end();
    expect(await told).toEqual(['one\ngröße\n', 'err\n']);
  }
});

describe('what an engine is', () => {
  const podman = { Version: '5.2', Components: [{ Name: 'Podman Engine' }] };

  test('is read from its answers', () => {
    const info = { SecurityOptions: ['name=seccomp,profile=default', 'name=selinux', 'name=userns'], PidsLimit: false };
    expect(factsOf({ Version: '27.1' }, info)).toEqual({
      product: 'docker',
      version: '27.1',
      rootless: false,
      remapsUsers: true,
      selinux: true,
      limits: { memory: true, cpus: true, processes: false },
    });
  });

  test('rootless, as Docker and as Podman say it', () => {
    expect(factsOf({ Version: '27.1' }, { SecurityOptions: ['name=rootless'] })).toMatchObject({ rootless: true });
    expect(factsOf(podman, { Rootless: true, CgroupVersion: '2' })).toMatchObject({
      ...{ product: 'podman', rootless: true },
      limits: { memory: true, cpus: true, processes: true },
    });
  });

  test('without limits where it is rootless and cannot hold them, whatever it says', () => {
    const info = { Rootless: true, CgroupVersion: '1', MemoryLimit: true, CpuCfsQuota: true, PidsLimit: true };
    expect(factsOf(podman, info).limits).toEqual({ memory: false, cpus: false, processes: false });
  });
});

describe('a backend as it is written', () => {
  test('has its own keys', () => {
    const written = `

kind: container
image: debian:12
user: 1000
volumes: [/data/genomes:/genomes, '/scratch:rw']
cap-drop: ALL
registry: { username: robot, password: { env: REGISTRY_PASSWORD } }
`;
    expect(backendOf(written).options).toEqual({
      image: 'debian:12',
      pull: 'missing',
      user: '1000',
      volumes: [
        { source: '/data/genomes', target: '/genomes', writable: false },
        { source: '/scratch', target: '/scratch', writable: true },
      ],
      network: 'none',
      readOnly: false,
      capDrop: ['ALL'],
      registry: { username: 'robot', password: { env: 'REGISTRY_PASSWORD', prefix: '' } },
    });
  });

  test.each([
    ['volumes: relative:/x', 'is not a volume'],
    ['volumes: /data/../etc:/x', 'is not a volume'],
    ['user: root', 'is no user'],
    ['image: -rf', 'is not the name of an image'],
    ['registry: { username: a, password: secret }', 'password'],
    ['registry: { username: a, password: { env: WORD } }', 'to which registry'],
  ])('refuses %s', (line, message) => {
    expect(problemsOf(`backend: b\nkind: container\n${line}\n`).join('\n')).toContain(message);
  });
});
