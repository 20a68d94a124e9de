import { join } from 'node:path';
import type { ArgvPart, TaskSpec } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { COPY_PORTS, type Programs } from '../conformance/programs';
import { conformance } from '../conformance/suite';
import { query } from '../query/support';
import { scriptTask } from '../script/programs';
import { inputPort, outputPort, task } from '../support';
import { onCluster, patient, PATIENCE_MS } from './support';
import { wayTo } from './way';

const APP = join(__dirname, 'apps', 'programs.py');

const app = (words: readonly (string | ArgvPart)[], more: Partial<TaskSpec> = {}): TaskSpec =>
  task([APP, ...words], { ...patient, ...more });
const script = (source: string, more: Partial<TaskSpec> = {}): TaskSpec => scriptTask(source, { ...patient, ...more });
const input = (port: string): ArgvPart => ({ kind: 'input', port });

/** Some are applications, and some scripts: what ends both is the same. */
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
  say: (stdout, stderr) => script(`import sys\nprint("${stdout}")\nprint("${stderr}", file=sys.stderr)`),
  hang: (text, token, more) =>
    script(`import subprocess, sys\nsubprocess.run([sys.executable, "${APP}", "hang", "${text}", "${token}"])`, more),
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

describeEngine('SPARK', 'SPARK', (engine) => {
  const { hostname, port } = new URL(engine.master);
  const way = wayTo(hostname, Number(port));
  beforeAll(way.open);
  afterAll(way.close);
  const spec = () => onCluster(engine, { master: `spark://${way.address()}` });
  conformance({
    spec,
    programs,
    cancelSeconds: 10,
    survivesWorker: false,
    timeoutMs: PATIENCE_MS,
    // Each is two Java machines of its own and one that works for it: 10 s of processor time and half a gigabyte. A
    // hundred would take ten minutes, and more memory than the machines of these tests have.
    many: 6,
    engine: { stop: way.close, start: way.open },
    refused: { task: () => query('select $nobody'), message: /no parameter or input/ },
    missing: { spec: () => onCluster(engine, { home: '/nowhere' }), message: /not installed/ },
  });
});
