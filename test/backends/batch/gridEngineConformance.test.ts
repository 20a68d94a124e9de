import { conformance } from '../conformance/suite';
import { shellPrograms } from '../conformance/programs';
import { task } from '../support';
import { describeEngine } from '../../support/engines';
import { control } from './control';
import { gridEngineSpec } from './specs';

describeEngine('GRID_ENGINE', 'GRID_ENGINE', (engine) => {
  conformance({
    spec: () => gridEngineSpec(engine),
    programs: shellPrograms,
    cancelSeconds: 10,
    survivesWorker: true,
    missing: { spec: () => gridEngineSpec(engine, { bin: '/nonexistent' }), message: /qsub.*install/is },
    refused: {
      spec: () => gridEngineSpec(engine, { queue: 'nonsense' }),
      task: () => task(['true']),
      message: /unknown queue/i,
    },
    engine: { stop: () => control('stop', 'gridengine'), start: () => control('start', 'gridengine') },
    timeoutMs: 180_000,
  });
});
