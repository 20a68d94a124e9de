import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBench, inputPort, task, type Bench } from '../support';
import { startStandIn, type StandIn } from './standIn';
import { kubernetesBackend } from './support';

let folder: string;
let cluster: StandIn;
let bench: Bench;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stepcast-cluster-'));
  cluster = await startStandIn(folder);
  bench = createBench(kubernetesBackend(cluster.kubeconfig));
});
afterEach(async () => {
  await bench.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a job in a cluster', () => {
  test('is asked for with its limits, its volume and an end', async () => {
    await bench.run(task(['true'], { resources: { memoryBytes: 1024, cpus: 2 }, timeoutSeconds: 60 }));
    expect(cluster.created[0]).toMatchObject({
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'stepcast' } },
      spec: {
        backoffLimit: 0,
        ttlSecondsAfterFinished: 3_600,
        template: {
          spec: {
            restartPolicy: 'Never',
            activeDeadlineSeconds: 960,
            automountServiceAccountToken: false,
            securityContext: { runAsUser: process.getuid?.(), runAsGroup: process.getgid?.() },
            containers: [
              {
                image: 'debian:12',
                imagePullPolicy: 'IfNotPresent',
                resources: { limits: { memory: '1024', cpu: '2' }, requests: { memory: '1024', cpu: '2' } },
                volumeMounts: [{ name: 'shared', mountPath: tmpdir() }],
              },
            ],
            volumes: [{ name: 'shared', persistentVolumeClaim: { claimName: 'work' } }],
          },
        },
      },
    });
  });

  test('gets its words and variables exactly, also what Kubernetes would read', async () => {
    const hazards = ['$(HOME)', '$$', '$ü', '$', '$$(HOME)', '$(id)', '`id`', "it's", 'a  b', '*', '', '\n', '\\'];
    const spec = task(['sh', '-c', 'printf "[%s]" "$@" "$ODD"', 'sh', ...hazards], { environment: { ODD: '$(HOME)' } });
    expect((await bench.run(spec)).streams.stdout).toBe([...hazards, '$(HOME)'].map((word) => `[${word}]`).join(''));
  });

  test('reads a file as standard input', async () => {
    const spec = task(['cat'], {
      inputs: [inputPort('text')],
      command: { kind: 'argv', argv: [{ parts: [{ kind: 'literal', text: 'cat' }] }], stdin: 'text' },
    });
    expect((await bench.run(spec, { text: await bench.file('a b.txt', 'from a file\n') })).output).toBe(
      'from a file\n',
    );
  });

  test('tells where and in which image it runs', async () => {
    const { notes } = await bench.run(task(['sleep', '0.5']));
    expect(notes.join('\n')).toMatch(
      /Kubernetes job stepcast-\S+ in namespace science.*Runs on node-1, in the image /s,
    );
  });

  test('whose image is nowhere fails for good, and is removed', async () => {
    const message = 'Back-off pulling image "x": manifest unknown';
    cluster.say({
      status: {
        phase: 'Pending',
        containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff', message } } }],
      },
    });
    const outcome = await bench.run(task(['true']));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false });
    expect(outcome.message).toContain('manifest unknown');
    expect(cluster.names()).toEqual([]);
  });

  test('that no node takes waits, says why, and can be cancelled', async () => {
    const message = '0/3 nodes are available: 3 Insufficient memory.';
    cluster.say({
      status: {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      },
    });
    const attempt = bench.start(task(['true'], { timeoutSeconds: 1 }));
    while (!attempt.notes.some((note) => note.includes(message))) await new Promise((go) => setTimeout(go, 20));
    // Its timeout counts from when it runs.
    const outcome = await Promise.race([attempt.outcome, new Promise((go) => setTimeout(go, 1_500, 'waits'))]);
    expect(outcome).toBe('waits');
    attempt.cancel('cancelled');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    expect(cluster.names()).toEqual([]);
  });

  test('that is never taken is given up after its time', async () => {
    const hasty = createBench(kubernetesBackend(cluster.kubeconfig, { pendingSeconds: 1 }));
    try {
      cluster.say({ status: { phase: 'Pending', conditions: [] } });
      const outcome = await hasty.run(task(['true']));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'MACHINE', retryable: true });
      expect(outcome.message).toContain('not started within 1 seconds');
    } finally {
      await hasty.close();
    }
  });

  test('that somebody else removes is lost, and tried again', async () => {
    cluster.say({ status: { phase: 'Running', containerStatuses: [{ state: { running: {} } }] } });
    const attempt = bench.start(task(['true']));
    while (!attempt.notes.some((note) => note.startsWith('Runs on'))) await new Promise((go) => setTimeout(go, 20));
    for (const name of cluster.names()) cluster.lose(name);
    expect(await attempt.outcome).toMatchObject({ state: 'FAILED', failure: 'LOST', retryable: true });
  });

  test('goes when nobody wants its step any more', async () => {
    const attempt = bench.start(task(['sh', '-c', 'echo up; sleep 1000']), {}, { stepRunId: 'unwanted' });
    await attempt.until('up');
    attempt.cancel('shutdown');
    await attempt.outcome;
    expect(cluster.names()).toHaveLength(1);
    expect(await bench.host.reap(() => Promise.resolve(new Set()))).toBe(1);
    while (cluster.names().length > 0) await new Promise((go) => setTimeout(go, 20));
  });

  test('is created once the cluster answers, and once only when its answer was lost', async () => {
    await cluster.stop();
    const attempt = bench.start(task(['sh', '-c', 'echo once']));
    while (!attempt.notes.some((note) => note.includes('asked again'))) await new Promise((go) => setTimeout(go, 20));
    await cluster.start();
    expect(await attempt.outcome).toMatchObject({ state: 'SUCCEEDED' });
    expect(attempt.output()).toBe('once\n');
    cluster.loseAnswer();
    expect(await bench.run(task(['sh', '-c', 'echo again']))).toMatchObject({ state: 'SUCCEEDED', output: 'again\n' });
    expect(cluster.created).toHaveLength(2);
    expect(cluster.names()).toEqual([]);
  });

  test('that is cancelled while the cluster is silent is not left in it', async () => {
    cluster.loseAnswer();
    const attempt = bench.start(task(['sleep', '1000']));
    while (!attempt.notes.some((note) => note.includes('asked again'))) await new Promise((go) => setTimeout(go, 20));
    expect(cluster.names()).toHaveLength(1);
    attempt.cancel('cancelled');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    while (cluster.names().length > 0) await new Promise((go) => setTimeout(go, 20));
  });

  test('is handed over to the next worker, which finds it as soon as the cluster answers', async () => {
    const gate = join(folder, 'gate');
    const spec = task(['sh', '-c', 'echo up; while [ ! -e "$1" ]; do sleep .1; done; echo over', 'sh', gate]);
    const attempt = bench.start(spec, {}, { stepRunId: 'handed' });
    await attempt.until('up');
    attempt.handOver();
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
    expect(cluster.names()).toHaveLength(1);
    const next = createBench(kubernetesBackend(cluster.kubeconfig), { workDir: bench.workDir });
    try {
      await cluster.stop();
      const second = next.start(spec, {}, { stepRunId: 'handed', attempt: 2 });
      while (!second.notes.some((note) => note.includes('asked again'))) await new Promise((go) => setTimeout(go, 20));
      await cluster.start();
      await second.until('up');
      writeFileSync(gate, '');
      expect(await second.outcome).toMatchObject({ state: 'SUCCEEDED' });
      expect(second.output()).toBe('up\nover\n');
      expect(cluster.created).toHaveLength(1);
    } finally {
      await next.close();
    }
  });

  test('outside of the shared volume is refused, and the message tells where to go', async () => {
    const other = createBench(
      kubernetesBackend(cluster.kubeconfig, { volume: { claim: 'work', path: '/srv/stepcast' } }),
    );
    try {
      await expect(other.run(task(['true']))).rejects.toMatchObject({
        code: 'CONFIGURATION',
        message: expect.stringContaining('Set STEPCAST_HOME to a folder in it') as string,
      });
    } finally {
      await other.close();
    }
  });
});
