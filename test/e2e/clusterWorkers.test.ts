/** Steps on a cluster whose workers are stopped, restarted or frozen: the job goes on, and counts once. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { describeEngine } from '../support/engines';
import { makeGate, type Gate } from './support/gate';
import type { Managed } from './support/processes';
import { keyOf, startStepcast, type Stepcast } from './support/stepcast';
import { eventually } from './support/wait';

const LEASE_SECONDS = 8;
const PATIENCE_MS = 60_000;
/** A worker looks at a job more often than once in this time. */
const LOOKS_MS = 3_000;

const definitions = (environment: Readonly<Record<string, string>>): string => `
backend: cluster
kind: slurm
environment: ${JSON.stringify(environment)}
poll-seconds: 1
---
task: far
backend: cluster
shell: true
command: |
  echo "$$ run" >> "$gate/ran"
  echo begun
  while [ ! -e "$gate/open" ]; do sleep 0.05; done
  echo one > "$result"
parameters: { gate: { type: string } }
outputs: { result: '*.result' }
---
task: near
shell: true
command: |
  echo "$$ run" >> "$gate/ran"
  while [ ! -e "$gate/open" ]; do sleep 0.05; done
parameters: { gate: { type: string } }
---
job: far
inputs: { gate: string }
steps: { far: { task: far, in: { gate: gate } } }
outputs: { result: far.result }
---
job: near
inputs: { gate: string }
steps: { near: { task: near, in: { gate: gate } } }
`;

interface Row {
  readonly number: number;
  readonly state: string;
  readonly pid: number;
}

describeEngine('SLURM', 'steps on a cluster', ({ environment }) => {
  jest.setTimeout(180_000);

  let stepcast: Stepcast;
  const gates: Gate[] = [];
  const newGate = async (): Promise<Gate> => {
    const gate = await makeGate();
    gates.push(gate);
    return gate;
  };

  beforeAll(async () => {
    stepcast = await startStepcast({
      workers: 2,
      env: { STEPCAST_LEASE_SECONDS: String(LEASE_SECONDS), STEPCAST_DRAIN_SECONDS: '60' },
    });
    await stepcast.define(definitions(environment));
  }, 60_000);
  afterEach(async () => {
    for (const gate of gates) await gate.open();
    for (const worker of stepcast.workers) if (!worker.isRunning()) await worker.restart();
  });
  afterAll(async () => {
    await stepcast.stop();
    await Promise.all(gates.map((gate) => gate.remove()));
  });

  const attemptsOf = (id: string): Promise<Row[]> =>
    stepcast.sql<Row & Record<string, unknown>>(
      `select a.number, a.state, w.pid from attempt a join step_run r on r.id = a.step_run_id
       join worker w on w.id = a.worker_id where r.submission_id = $1 order by a.number`,
      [keyOf(id)],
    );
  const logOf = async (id: string, attempt: number): Promise<string> => {
    const rows = await stepcast.sql<{ text: string }>(
      `select string_agg(convert_from(l.data, 'UTF8'), '' order by l.start_byte) as text from log_chunk l join step_run r on r.id = l.step_run_id
       where r.submission_id = $1 and l.attempt = $2`,
      [keyOf(id), attempt],
    );
    return rows[0]?.text ?? '';
  };
  /** The numbers of the jobs that an attempt told of. */
  const jobsOf = async (id: string, attempt: number): Promise<string[]> =>
    [...(await logOf(id, attempt)).matchAll(/Slurm job (\d+)\./g)].map((match) => match[1] ?? '');
  const untilAttempt = (id: string, number: number): Promise<Row> =>
    eventually(
      `attempt ${number} follows the job`,
      async () => {
        const found = (await attemptsOf(id)).find((one) => one.number === number && one.state === 'RUNNING');
        return found && (await jobsOf(id, number)).length > 0 && found;
      },
      PATIENCE_MS,
    );
  const workerAt = (pid: number): Managed => {
    const worker = stepcast.workers.find((one) => one.pid() === pid);
    if (!worker) throw new Error(`no worker has pid ${pid}`);
    return worker;
  };
  const messagesOf = async (id: string): Promise<string> => {
    const rows = await stepcast.sql<{ message: string }>(
      `select message from event where submission_id = $1 order by seq`,
      [keyOf(id)],
    );
    return rows.map(({ message }) => message).join('\n');
  };
  const resultOf = async (id: string): Promise<string> => {
    const { submission } = await stepcast.gql<{ submission: { results: { nodes: { url: string }[] } } }>(
      `query ($id: ID!) { submission(id: $id) { results { nodes { url } } } }`,
      { id },
    );
    expect(submission.results.nodes).toHaveLength(1);
    return (await fetch(submission.results.nodes[0]?.url ?? '')).text();
  };
  const lossesOf = async (id: string): Promise<number> => {
    const rows = await stepcast.sql<{ lost: number }>(`select lost from step_run where submission_id = $1`, [
      keyOf(id),
    ]);
    return rows[0]?.lost ?? -1;
  };
  const isFrozen = (worker: Managed): boolean =>
    /^State:\s+T/m.test(readFileSync(`/proc/${worker.pid()}/status`, 'utf8'));

  test('are handed over at once by a worker that is stopped, which waits for what it runs itself', async () => {
    const [far, near] = [await newGate(), await newGate()];
    const id = await stepcast.submit('far', { gate: far.folder });
    const first = await untilAttempt(id, 1);
    const worker = workerAt(first.pid);
    const other = stepcast.workers.find((one) => one !== worker);
    // While the other stands still, a local step comes to the same worker.
    other?.signal('SIGSTOP');
    const local = await stepcast.submit('near', { gate: near.folder });
    await near.untilRuns(1);
    other?.signal('SIGCONT');

    worker.signal('SIGTERM');
    const second = await untilAttempt(id, 2);
    expect(second.pid).toBe(other?.pid());
    expect(await jobsOf(id, 2)).toEqual(await jobsOf(id, 1));
    expect(worker.isRunning()).toBe(true);
    await near.open();
    expect(await worker.ended()).toBe(0);
    await stepcast.untilState(local, ['SUCCEEDED']);
    expect((await attemptsOf(local)).map(({ state }) => state)).toEqual(['SUCCEEDED']);

    await far.open();
    await stepcast.untilState(id, ['SUCCEEDED'], PATIENCE_MS);
    expect(await resultOf(id)).toBe('one\n');
    expect((await attemptsOf(id)).map(({ state }) => state)).toEqual(['CANCELLED', 'SUCCEEDED']);
    expect(await lossesOf(id)).toBe(0);
    expect(await far.runs()).toHaveLength(1);
    expect(await messagesOf(id)).toContain('handed over');
    expect(await logOf(id, 1)).toContain('handed over');
  });

  test('wait for the restart of the only worker, and go on', async () => {
    const gate = await newGate();
    const [kept, spare] = stepcast.workers;
    spare?.signal('SIGTERM');
    await spare?.ended();
    const id = await stepcast.submit('far', { gate: gate.folder });
    await untilAttempt(id, 1);
    kept?.signal('SIGTERM');
    expect(await kept?.ended()).toBe(0);
    expect((await attemptsOf(id)).map(({ state }) => state)).toEqual(['CANCELLED']);
    // It ends while nobody looks.
    await gate.open();
    await kept?.restart();
    await stepcast.untilState(id, ['SUCCEEDED'], PATIENCE_MS);
    expect(await jobsOf(id, 2)).toEqual(await jobsOf(id, 1));
    expect(await resultOf(id)).toBe('one\n');
    expect(await lossesOf(id)).toBe(0);
    expect(await gate.runs()).toHaveLength(1);
  });

  test('are left alone by a worker that was frozen while another went on with them', async () => {
    const gate = await newGate();
    const id = await stepcast.submit('far', { gate: gate.folder });
    const first = await untilAttempt(id, 1);
    const frozen = workerAt(first.pid);
    const from = frozen.output().length;
    frozen.signal('SIGSTOP');
    try {
      await eventually('it stands still', () => isFrozen(frozen));
      const second = await untilAttempt(id, 2);
      expect(second.pid).not.toBe(first.pid);
      const heir = workerAt(second.pid);
      expect(isFrozen(frozen)).toBe(true);
      // Now the heir stands still, so that the one that was frozen first is the first to see the end.
      heir.signal('SIGSTOP');
      await eventually('the heir stands still', () => isFrozen(heir));
      await gate.open();
      await eventually('the job has ended', async () => {
        const kept = readFileSync(`${stepcast.home}/work/kept/${await stepRunOf(id)}.1/batch/exit`, 'utf8');
        return kept.endsWith('end\n');
      });
      // Nobody tells it what it has missed: its heartbeats wait, while it sees the end of the job.
      await withoutHeartbeats(async () => {
        frozen.signal('SIGCONT');
        await eventually('it goes on', () => !isFrozen(frozen));
        await delay(LOOKS_MS);
      });
      await frozen.says(/was declared dead after a silence/, from);
      await eventually('it serves under a new number', async () => {
        const rows = await stepcast.sql(`select from worker where pid = $1 and state = 'ALIVE'`, [frozen.pid()]);
        return rows.length === 1;
      });
    } finally {
      for (const one of stepcast.workers) one.signal('SIGCONT');
    }
    await stepcast.untilState(id, ['SUCCEEDED'], PATIENCE_MS);
    expect(await resultOf(id)).toBe('one\n');
    expect(await gate.runs()).toHaveLength(1);
    const attempts = await attemptsOf(id);
    expect(attempts[0]?.state).toBe('LOST');
    expect(attempts.at(-1)?.state).toBe('SUCCEEDED');
    for (const { number } of attempts) expect(await jobsOf(id, number)).toEqual(await jobsOf(id, 1));
  });

  async function withoutHeartbeats(act: () => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: stepcast.databaseUrl });
    await client.connect();
    try {
      await client.query('begin');
      await client.query('lock table worker in share row exclusive mode');
      await act();
    } finally {
      await client.end();
    }
  }

  async function stepRunOf(id: string): Promise<string> {
    const rows = await stepcast.sql<{ id: string }>(`select id from step_run where submission_id = $1`, [keyOf(id)]);
    return rows[0]?.id ?? '';
  }
});
