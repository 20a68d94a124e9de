import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { LOCAL, task } from '../support';

describe('LOCAL', () => {
  conformance({
    spec: () => LOCAL,
    programs: shellPrograms,
    cancelSeconds: 5,
    survivesWorker: false,
    refused: { task: () => task(['no-such-program']), message: /not found/ },
  });
});
