import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { task } from '../support';
import { startStandIn, type StandIn } from './standIn';
import { kubernetesBackend } from './support';

describe('KUBERNETES, by a stand-in for a cluster', () => {
  let folder: string;
  let cluster: StandIn;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stepcast-cluster-'));
    cluster = await startStandIn(folder);
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  // Nothing is left of any test.
  afterEach(() => expect(cluster.names()).toEqual([]));

  conformance({
    spec: () => kubernetesBackend(cluster.kubeconfig),
    programs: shellPrograms,
    cancelSeconds: 10,
    survivesWorker: true,
    missing: {
      spec: () => kubernetesBackend('/nowhere/config'),
      message: /configuration of the cluster cannot be read/,
    },
    refused: {
      task: () => task(['true'], { image: 'refused' }),
      message: /The cluster refuses the job in namespace science: .*Invalid value: "refused"/,
    },
    engine: { stop: () => cluster.stop(), start: () => cluster.start() },
    timeoutMs: 120_000,
  });
});
