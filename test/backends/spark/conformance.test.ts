import { join } from 'node:path';
import type { ArgvPart, BackendSpec, TaskSpec } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { COPY_PORTS, type Programs } from '../conformance/programs';
import { conformance } from '../conformance/suite';
import { query } from '../query/support';
import { inputPort, outputPort, task } from '../support';

const APP = join(__dirname, 'apps', 'programs.py');
const PATIENCE_MS = 400_000;

const app = (words: readonly (string | ArgvPart)[], more: Partial<TaskSpec> = {}): TaskSpec =>
  task([APP, ...words], { timeoutSeconds: PATIENCE_MS / 1_000, ...more });
const input = (port: string): ArgvPart => ({ kind: 'input', port });

const programs: Programs = {
  copy: () =>
    app(['copy', input('text'), { kind: 'parameter', name: 'who' }], {
      ...COPY_PORTS,
      outputs: [
        outputPort('copy', { glob: 'copy.txt' }),
        outputPort('facts', { glob: 'facts.json', read: 'json', type: scalar('Any') }),
      ],
    }),
  carry: () => app(['carry', input('data')], { inputs: [inputPort('data')], outputs: [outputPort('big')] }),
  say: () => 'Spark passes on what a Python application says on one stream alone',
  hang: (text, token, more) => app(['hang', text, token], more),
  progress: () => app(['progress']),
  exit: (code) => app(['leave', String(code)]),
  partial: () => app(['partial'], { outputs: [outputPort('first'), outputPort('second')] }),
  environment: (value) => app(['environment'], { environment: { GREETING: value } }),
  rename: (name) =>
    app(['rename', input('text'), name], {
      inputs: [inputPort('text')],
      outputs: [outputPort('named', { glob: '*result*', path: '' })],
    }),
  wait: (seconds, token) => app(['wait', String(seconds), token]),
};

describeEngine('SPARK', 'SPARK', ({ home, master, environment }) => {
  const spec = (more: object = {}): BackendSpec => ({
    ...{ name: 'spark', kind: 'SPARK', description: '', environment },
    options: { master, home, conf: {}, packages: [], cores: 1, ...more },
  });
  conformance({
    spec: () => spec(),
    programs,
    cancelSeconds: 10,
    survivesWorker: false,
    timeoutMs: PATIENCE_MS,
    // Each of them is a driver and an executor: two Java machines, and the cluster of the tests takes some at a time.
    many: 6,
    refused: { task: () => query('select $nobody'), message: /no parameter or input/ },
    missing: { spec: () => spec({ home: '/nowhere' }), message: /not installed/ },
  });
});
