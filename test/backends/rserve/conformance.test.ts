import { describeEngine } from '../../support/engines';
import { conformance } from '../conformance/suite';
import { scriptTask } from '../script/programs';
import { rPrograms } from '../script/rPrograms';
import { backendOf } from '../written';

describeEngine('RSERVE', 'RSERVE', ({ url }) => {
  const { hostname, port } = new URL(url.replace('rserve:', 'http:'));
  conformance({
    spec: () => backendOf(`kind: rserve\nhost: ${hostname}\nport: ${port}`),
    programs: rPrograms,
    cancelSeconds: 10,
    survivesWorker: true,
    refused: { task: () => scriptTask('x <- (1\n'), message: /Exit code 1/ },
    timeoutMs: 180_000,
    many: 20,
  });
});
