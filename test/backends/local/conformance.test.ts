import { existsSync } from 'node:fs';
import { describeEngine } from '../../support/engines';
import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { LOCAL, task } from '../support';
import { backendOf } from '../written';

describe('LOCAL', () => {
  conformance({
    spec: () => LOCAL,
    programs: shellPrograms,
    cancelSeconds: 5,
    survivesWorker: false,
    refused: { task: () => task(['no-such-program']), message: /not found/ },
  });
});

describeEngine('BUBBLEWRAP', 'LOCAL in a sandbox', () => {
  conformance({
    spec: () => backendOf('kind: local\nsandbox: true'),
    programs: shellPrograms,
    cancelSeconds: 5,
    survivesWorker: false,
    refused: { task: () => task(['no-such-program']), message: /not found/ },
    missing: {
      spec: () => backendOf('kind: local\nsandbox: { read-only: [/no/such/folder] }'),
      message: /does not exist on this worker/,
    },
  });
});

describe('LOCAL with limits', () => {
  const isGrouped = existsSync('/sys/fs/cgroup/pids') && process.getuid?.() === 0;
  conformance({
    spec: () =>
      backendOf(`kind: local\nlimits: { memory: 2GB, open-files: 500${isGrouped ? ', processes: 500' : ''} }`),
    programs: shellPrograms,
    cancelSeconds: 5,
    survivesWorker: false,
    refused: { task: () => task(['no-such-program']), message: /not found/ },
  });
});
