/** The limits of a task on real commands, as a client sees them: memory, heartbeats, timeouts, types of outputs. */
import { startStepcast, type Stepcast } from './support/stepcast';

let stepcast: Stepcast;
beforeAll(async () => {
  stepcast = await startStepcast();
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

interface Read {
  readonly submission: {
    readonly state: string;
    readonly message: string;
    readonly steps: {
      readonly nodes: readonly {
        readonly state: string;
        readonly failure: string | null;
        readonly message: string;
        readonly attempts: {
          readonly nodes: readonly {
            readonly state: string;
            readonly failure: string | null;
            readonly resources: { readonly memoryBytes: number | null } | null;
          }[];
        };
      }[];
    };
  };
}
const READ = `query ($id: ID!) { submission(id: $id) { state message steps { nodes {
  state failure message attempts { nodes { state failure resources { memoryBytes } } } } } } }`;

/** Defines the task and a job of it alone, runs that, and tells how it ended. */
async function run(
  name: string,
  task: string,
  state: string,
  more: { readonly job?: string; readonly timeoutSeconds?: number } = {},
): Promise<Read['submission']> {
  await stepcast.define(
    `task: ${name}\n${task}\n---\njob: ${name}\nsteps: { only: { task: ${name} } }\n${more.job ?? ''}\n`,
  );
  const id = await stepcast.submit(
    name,
    {},
    more.timeoutSeconds === undefined ? {} : { timeoutSeconds: more.timeoutSeconds },
  );
  await stepcast.untilState(id, [state], 60_000);
  return (await stepcast.gql<Read>(READ, { id })).submission;
}

const onLinux = process.platform === 'linux' ? test : test.skip;
const MB = 1024 ** 2;

onLinux('a step that uses too much memory gets more, and succeeds', async () => {
  const { steps } = await run(
    'grows',
    `shell: true
command: |
  [ "$MEMORY_MB" -ge 250 ] && exit 0
  exec ${process.execPath} -e 'const b = Buffer.alloc(300 * 2 ** 20, 1); setInterval(() => b, 1000)'
resources: { memory: 128MB }
retry: { initial-delay: 0, grow: { memory: 2 } }`,
    'SUCCEEDED',
  );
  expect(steps.nodes).toMatchObject([
    {
      state: 'SUCCEEDED',
      failure: null,
      attempts: {
        nodes: [
          { state: 'FAILED', failure: 'OUT_OF_MEMORY', resources: { memoryBytes: 128 * MB } },
          { state: 'SUCCEEDED', failure: null, resources: { memoryBytes: 256 * MB } },
        ],
      },
    },
  ]);
});

test('a step that hangs is ended and tried again', async () => {
  const { steps, message } = await run(
    'hangs',
    `shell: true
command: sleep 1000
heartbeat: 1s
retry: { attempts: 2, initial-delay: 0 }`,
    'FAILED',
  );
  expect(message).toContain('reported nothing for 1 second');
  expect(steps.nodes).toMatchObject([
    {
      failure: 'HEARTBEAT',
      attempts: { nodes: [{ failure: 'HEARTBEAT', resources: null }, { failure: 'HEARTBEAT' }] },
    },
  ]);
});

test('a step whose attempts take too long fails, and tells that it was the timeout', async () => {
  const { steps } = await run('slow', `command: sleep 1000\ntimeout: 1s\nretry: { attempts: 1 }`, 'FAILED');
  expect(steps.nodes).toMatchObject([{ failure: 'TIMEOUT', attempts: { nodes: [{ failure: 'TIMEOUT' }] } }]);
});

test('an output of another type fails its step, which names output, expected and found', async () => {
  const { message, steps } = await run(
    'lies',
    `command: [echo, '{"count": "three"}']
outputs: { table: { from: stdout, read: json, type: { record: { count: int } } } }`,
    'FAILED',
  );
  expect(message).toContain('Output `table`: field \'count\': expected int, got the text "three".');
  expect(steps.nodes).toMatchObject([{ failure: 'BAD_OUTPUT', attempts: { nodes: [{ failure: 'BAD_OUTPUT' }] } }]);
});

test('a step that nobody takes fails when its time in the queue is up', async () => {
  await stepcast.define('backend: closed\nkind: LOCAL\n');
  const pause = `mutation { pauseBackend(input: { backend: "closed" }) { userErrors { message } } }`;
  expect(await stepcast.gql(pause)).toEqual({ pauseBackend: { userErrors: [] } });
  const { steps, message } = await run('waits', 'command: "true"\nbackend: closed\ntimeout: { queue: 1s }', 'FAILED');
  expect(message).toContain('No worker took it for 1 second');
  expect(steps.nodes).toMatchObject([{ state: 'FAILED', failure: 'QUEUE_TIMEOUT', attempts: { nodes: [] } }]);
});

test('a step that takes too long in all is ended while it runs', async () => {
  const marker = `${stepcast.home}/tried`;
  const { steps, message } = await run(
    'long',
    `shell: true
command: |
  [ -e ${marker} ] && exec sleep 1000
  touch ${marker}
  sleep 1
  exit 75
exit-codes: { temporary: 75 }
retry: { initial-delay: 0 }
timeout: { step: 10s }`,
    'FAILED',
  );
  expect(message).toContain('The step took longer than its timeout of 10 seconds');
  expect(steps.nodes).toMatchObject([
    { failure: 'STEP_TIMEOUT', attempts: { nodes: [{ failure: 'EXIT_CODE' }, { failure: 'STEP_TIMEOUT' }] } },
  ]);
}, 60_000);

test('a step that takes too long in all fails while it waits for its next try', async () => {
  const { steps } = await run(
    'again',
    `shell: true
command: exit 75
exit-codes: { temporary: 75 }
retry: { attempts: 100, initial-delay: 1d, max-delay: 1d }
timeout: { step: 10s }`,
    'FAILED',
  );
  expect(steps.nodes).toMatchObject([{ failure: 'STEP_TIMEOUT', attempts: { nodes: [{ failure: 'EXIT_CODE' }] } }]);
}, 60_000);

test.each([
  ["its job's timeout", 'endless-job', { job: 'timeout: 2s' }],
  ['the timeout it was sent with', 'endless', { timeoutSeconds: 2 }],
])('a submission that outlives %s fails, and nothing of it goes on', async (_, name, more) => {
  const { message, steps } = await run(name, 'command: sleep 1000', 'FAILED', more);
  expect(message).toBe('The submission took longer than its timeout and was ended.');
  expect(steps.nodes).toMatchObject([{ state: 'CANCELLED' }]);
});

test('a timeout that is no time is refused', async () => {
  await expect(stepcast.submit('slow', {}, { timeoutSeconds: 0 })).rejects.toThrow('give more than 0');
});
