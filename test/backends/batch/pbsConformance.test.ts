import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendSpec } from '../../../src/domain/definitions';
import { pbsForm } from '../../../src/formats/forms/backends/batch';
import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { task } from '../support';
import { pbsStandIn } from './pbsStandIn';

describe('PBS, by a stand-in for its commands', () => {
  const home = mkdtempSync(join(tmpdir(), 'stepcast-pbs-'));
  const bin = pbsStandIn(home);
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  const spec = (options: Record<string, unknown> = {}): BackendSpec => ({
    name: 'pbs',
    kind: 'PBS',
    description: '',
    environment: {},
    options: pbsForm.parse({ bin, ...options }),
  });
  conformance({
    spec: () => spec(),
    programs: shellPrograms,
    cancelSeconds: 10,
    survivesWorker: true,
    missing: { spec: () => spec({ bin: '/nonexistent' }), message: /qsub.*install/is },
    refused: { spec: () => spec({ queue: 'nonsense' }), task: () => task(['true']), message: /unknown queue/i },
    timeoutMs: 120_000,
  });
});
