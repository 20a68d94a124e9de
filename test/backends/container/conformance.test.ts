import { describeEngine } from '../../support/engines';
import type { Engines } from '../../support/findEngines';
import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { task } from '../support';
import { containerBackend } from './support';

const suite = (facts: Pick<Engines['CONTAINER'], 'socket' | 'image'>): void =>
  conformance({
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

describeEngine('CONTAINER', 'CONTAINER, by podman', suite);

// The same image in a Docker daemon, where there is one.
const docker = process.env['STEPCAST_TEST_DOCKER_SOCKET'];
if (docker !== undefined)
  describeEngine('CONTAINER', 'CONTAINER, by Docker', ({ image }) => suite({ socket: docker, image }));
