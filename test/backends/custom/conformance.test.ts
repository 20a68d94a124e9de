import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { task } from '../support';
import { backendOf } from '../written';

describe('CUSTOM, by the plug-in of the examples', () => {
  conformance({
    spec: () => backendOf('kind: custom\nplugin: nice\noptions: { niceness: 5 }'),
    programs: shellPrograms,
    cancelSeconds: 5,
    survivesWorker: false,
    refused: { task: () => task(['no-such-program']), message: /not found/ },
    missing: {
      spec: () => backendOf('kind: custom\nplugin: no-such-plugin'),
      message: /There is no plug-in no-such-plugin on this worker/,
    },
  });
});
