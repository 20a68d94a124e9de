import { describeEngine } from '../../support/engines';
import { startProxy, type Proxy } from '../../support/proxy';
import { conformance } from '../conformance/suite';
import { scriptTask } from '../script/programs';
import { rPrograms } from '../script/rPrograms';
import { backendOf } from '../written';

describeEngine('RSERVE', 'RSERVE', ({ url }) => {
  // Taken away here, so that other tests keep theirs.
  let proxy: Proxy;
  beforeAll(async () => (proxy = await startProxy(url)));
  afterAll(() => proxy.close());

  // A hundred sessions that start at once take their time on a machine that is busy with other tests.
  conformance({
    spec: () => backendOf(`kind: rserve\nhost: 127.0.0.1\nport: ${new URL(proxy.url).port}\nconnect-timeout: 2m`),
    programs: rPrograms,
    cancelSeconds: 10,
    survivesWorker: true,
    refused: { task: () => scriptTask('x <- (1\n'), message: /Exit code 1/ },
    engine: {
      stop: () => {
        proxy.refuse();
        proxy.cut();
        return Promise.resolve();
      },
      start: () => Promise.resolve(proxy.accept()),
    },
    timeoutMs: 180_000,
  });
});
