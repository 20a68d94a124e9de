import { readPod, type Pod } from '../../../src/backends/kubernetes/readPod';
import { jobName } from '../../../src/backends/kubernetes/jobRequest';
import { backendOf, problemsOf } from '../written';

const MEMORY = { memoryBytes: 256 * 1024 * 1024 };
const job = { metadata: { name: 'j' }, status: {} };
const pod = (status: Pod['status']): Pod => ({ metadata: { name: 'j-abcde' }, spec: { nodeName: 'node-1' }, status });
const ended = (terminated: object): Pod =>
  pod({ phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 1, ...terminated } } }] });
const waiting = (reason: string, message: string): Pod =>
  pod({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason, message } } }] });

/** The kind of failure that a pod ended with. */
const failureOf = (one: Pod | undefined, of: Parameters<typeof readPod>[0] = job): string | undefined => {
  const reading = readPod(of, one, MEMORY);
  return reading.phase === 'ended' ? (reading.exit.failure?.kind ?? `exit ${reading.exit.exitCode}`) : reading.phase;
};

describe('a pod', () => {
  test.each<[string, Pod, string]>([
    ['that exited', ended({ exitCode: 3, reason: 'Error' }), 'exit 3'],
    ['that used too much memory', ended({ exitCode: 137, reason: 'OOMKilled' }), 'OUT_OF_MEMORY'],
    ['whose program is not there', ended({ exitCode: 128, reason: 'StartError' }), 'NOT_STARTED'],
    [
      'that was evicted',
      pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }),
      'LOST',
    ],
    ['whose node shut down', pod({ phase: 'Failed', reason: 'Terminated', message: 'node shutdown' }), 'LOST'],
    [
      'that was taken away for another',
      pod({
        phase: 'Failed',
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }],
        containerStatuses: [{ state: { terminated: { exitCode: 143 } } }],
      }),
      'LOST',
    ],
    ['that passed its deadline', pod({ phase: 'Failed', reason: 'DeadlineExceeded' }), 'TIMEOUT'],
    ['that its node did not take', pod({ phase: 'Failed', reason: 'OutOfcpu', message: 'not enough cpu' }), 'MACHINE'],
  ])('%s', (_, one, kind) => {
    expect(failureOf(one)).toBe(kind);
  });

  test.each<[string, Pod, string | null, RegExp]>([
    [
      'an image that is nowhere',
      waiting('ImagePullBackOff', 'Back-off pulling image "x": rpc error: code = NotFound desc = manifest not found'),
      'NOT_STARTED',
      /cannot be pulled/,
    ],
    [
      'a registry that is away',
      waiting('ErrImagePull', 'dial tcp 10.0.0.9:443: i/o timeout'),
      'MACHINE',
      /cannot be pulled/,
    ],
    ['a name that is none', waiting('InvalidImageName', 'couldn’t parse image'), 'NOT_STARTED', /cannot be made/],
    [
      'a node',
      pod({
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
        ],
      }),
      null,
      /no node takes it \(Unschedulable: 0\/3 nodes/,
    ],
    ['its container', waiting('ContainerCreating', ''), null, /ContainerCreating/],
  ])('that waits for %s says so', (_, one, stuck, why) => {
    expect(readPod(job, one, MEMORY)).toEqual({ phase: 'waiting', stuck, why: expect.stringMatching(why) as string });
  });

  test('that was deleted with its job left behind is lost', () => {
    const failed = { status: { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] } };
    expect(failureOf(undefined, failed)).toBe('LOST');
    expect(failureOf(undefined, job)).toBe('waiting');
  });

  test('that runs tells its node and the digest of its image', () => {
    const running = pod({
      phase: 'Running',
      containerStatuses: [{ imageID: 'debian@sha256:1', state: { running: {} } }],
    });
    expect(readPod(job, running, MEMORY)).toEqual({ phase: 'running', node: 'node-1', image: 'debian@sha256:1' });
  });
});

test('a job has a name that Kubernetes takes, whatever the step run is called', () => {
  const name = jobName({ stepRunId: `Run_${'ü'.repeat(80)}`, attempt: 12 }, '0123abcd');
  expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?-0123abcd$/);
  expect(name.length).toBeLessThanOrEqual(57);
});

describe('a backend as it is written', () => {
  test('has its own keys', () => {
    const { options } = backendOf(`
kind: kubernetes
image: debian:12
namespace: science
volume: { claim: work, path: /srv/stepcast/, sub-path: lab }
node-selector: { gpu: true }
tolerations: [{ key: dedicated, value: science, effect: NoSchedule }]
service-account: runner
pull-secrets: registry
ttl: 1h
pending-timeout: 10m
`);
    expect(options).toEqual({
      image: 'debian:12',
      pull: 'missing',
      pullSecrets: ['registry'],
      namespace: 'science',
      volume: { claim: 'work', path: '/srv/stepcast', subPath: 'lab' },
      nodeSelector: { gpu: 'true' },
      tolerations: [{ key: 'dedicated', value: 'science', effect: 'NoSchedule' }],
      serviceAccount: 'runner',
      ttlSeconds: 3_600,
      pendingSeconds: 600,
    });
  });

  test.each([
    ['image: a', 'volume'],
    ['volume: { claim: work, path: relative }', 'is not an absolute path'],
    ['volume: { claim: Work, path: /a }', 'is not a name of Kubernetes'],
    ['volume: { claim: work, path: /a }\ntolerations: [{ value: x }]', 'has a value and no key'],
  ])('is refused: %s', (lines, message) => {
    expect(problemsOf(`backend: b\nkind: kubernetes\n${lines}\n`).join('\n')).toContain(message);
  });
});
