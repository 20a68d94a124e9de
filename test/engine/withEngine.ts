import { openEngine, type TestEngine } from './support';

/**
 * Opens one engine for all tests of a file and empties it before each of them. `prepare` then gets it, and adds what those
 * tests share.
 */
export function withEngine(
  prepare: (engine: TestEngine) => void | Promise<void>,
  options: Parameters<typeof openEngine>[0] = {},
): void {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await openEngine(options);
  });
  beforeEach(async () => {
    await engine.clear();
    await prepare(engine);
  });
  afterAll(() => engine.close());
}
