import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEngine } from '../../support/engines';
import type { Engines } from '../../support/findEngines';
import { conformance, type Subject } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { task } from '../support';
import { ownEngine } from './engine';
import { containerBackend } from './support';

const suite = (facts: Pick<Engines['CONTAINER'], 'socket' | 'image'>, engine?: Subject['engine']): void =>
  conformance({
    ...(engine ? { engine } : {}),
    spec: () => containerBackend(facts),
    programs: shellPrograms,
    cancelSeconds: 5,
    survivesWorker: true,
    missing: {
      spec: () => containerBackend(facts, { host: '/nowhere/engine.sock' }),
      message: /nothing listens there/,
    },
    refused: {
      spec: () => containerBackend(facts, { image: 'localhost/no-such-image' }),
      task: () => task(['true']),
      message: /has no image localhost\/no-such-image.*pull: never/s,
    },
    timeoutMs: 180_000,
  });

describeEngine('CONTAINER', 'CONTAINER, by podman', (facts) => {
  // Its API is served to these tests alone, so that they can take it away.
  const folder = mkdtempSync(join(tmpdir(), 'stepcast-engine-'));
  const engine = ownEngine(facts, join(folder, 'engine.sock'));
  beforeAll(() => engine.start());
  afterAll(async () => {
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  suite({ ...facts, socket: engine.socket }, engine);
});

// The same image in a Docker daemon, where there is one.
const docker = process.env['STEPCAST_TEST_DOCKER_SOCKET'];
if (docker !== undefined)
  describeEngine('CONTAINER', 'CONTAINER, by Docker', ({ image }) => suite({ socket: docker, image }));
