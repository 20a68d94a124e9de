/** What a worker that is killed leaves of a command which fled from its session, its parent and its environment. */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { findControlGroups } from '../../../src/backends/confinement/controlGroups';
import type { BackendSpec } from '../../../src/domain/definitions';
import { describeEngine } from '../../support/engines';
import { alive, untilGone } from '../conformance/alive';
import { startVictim } from '../conformance/victim';
import { createBench, task, type Bench } from '../support';
import { backendOf } from '../written';

const PATIENCE_SECONDS = 20;

let bench: Bench;
let token: string;
beforeEach(() => {
  bench = createBench();
  token = `stepcast-fled-${randomUUID()}`;
});
afterEach(() => bench.close());

/** Resolves when a worker has been killed whose command had fled. */
async function kill(backend: BackendSpec): Promise<void> {
  const fled = `setsid -f env -i /bin/sh -c 'while :; do sleep 0.1; done' ${token} > /dev/null 2>&1; echo fled; sleep 1000`;
  const request = { stepRunId: 'fled', attempt: 1, task: task(['sh', '-c', fled]), backend, values: {} };
  const victim = startVictim(bench.home, request);
  try {
    await victim.until('fled');
    expect(alive(token)).not.toEqual([]);
    await victim.kill();
  } finally {
    victim.remove();
  }
}

describeEngine('BUBBLEWRAP', 'in a sandbox', () => {
  it('nothing runs on, and the next worker removes its files', async () => {
    await kill(backendOf('kind: local\nsandbox: true'));
    await untilGone(token, PATIENCE_SECONDS);
    expect(readdirSync(bench.workDir).join()).toContain('victim');
    await bench.host.sweep();
    expect(readdirSync(bench.workDir).join()).not.toContain('victim');
  });
});

describe('in a control group', () => {
  const isHere = findControlGroups()?.controllers.has('pids') ?? false;
  (isHere ? it : it.skip)('the next worker ends it', async () => {
    const backend = backendOf('kind: local\nlimits: { processes: 50 }');
    await kill(backend);
    expect(alive(token)).not.toEqual([]);
    expect(await bench.host.health(backend)).toMatchObject({ state: 'READY' });
    await untilGone(token, PATIENCE_SECONDS);
  });
});
