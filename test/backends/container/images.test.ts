import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerOptions } from '../../../src/domain/backends/container';
import { describeEngine } from '../../support/engines';
import { keepBenches, task, type Bench } from '../support';
import { ask, ownEngine, type OwnEngine } from './engine';
import { startRegistry, type Registry } from './registry';
import { containerBackend } from './support';

describeEngine('CONTAINER', 'an image that has to be pulled', (facts) => {
  const variable = 'STEPCAST_TEST_REGISTRY_PASSWORD';
  let folder: string;
  let engine: OwnEngine;
  let registry: Registry;
  const open = keepBenches();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stepcast-images-'));
    registry = await startRegistry({ user: 'robot', password: 'let me in' });
    writeFileSync(
      join(folder, 'registries.conf'),
      `[[registry]]\nlocation = "${registry.server}"\ninsecure = true\n[[registry]]\nlocation = "127.0.0.1:9"\ninsecure = true\n`,
    );
    engine = ownEngine(facts, join(folder, 'engine.sock'), {
      CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    });
    await engine.start();
  });
  afterEach(async () => {
    delete process.env[variable];
    await ask(engine.socket, 'DELETE', `/images/${registry.server}/tools/empty:1?force=true`);
  });
  afterAll(async () => {
    await engine.stop();
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const bench = (options: Partial<ContainerOptions>): Bench => {
    const image = `${registry.server}/tools/empty:1`;
    return open(containerBackend({ socket: engine.socket, image }, { pull: 'missing', ...options }));
  };
  const login = {
    registry: { username: 'robot', password: { env: variable, prefix: '' } },
  };

  test('is pulled with the login whose password the worker knows, and its digest is told', async () => {
    process.env[variable] = 'let me in';
    const one = bench(login);
    const outcomes = await Promise.all([one.run(task(['/program'])), one.run(task(['/program']))]);
    for (const { message, failure } of outcomes)
      // The image is empty: that it was there is all there is to see.
      expect([failure, message]).toEqual(['NOT_STARTED', expect.stringContaining('no program `/program`')]);
    const notes = outcomes.flatMap((one) => one.notes).join('\n');
    expect(notes).toMatch(/Pulling the image .*Pulled the image /s);
    const { body } = await ask(engine.socket, 'GET', `/images/${registry.server}/tools/empty:1/json`);
    expect(body).toContain(registry.digest);
  });

  test('fails for good without a login, and the message says what is missing', async () => {
    const outcome = await bench({}).run(task(['/program']));
    expect(outcome).toMatchObject({ failure: 'NOT_STARTED', retryable: false });
    expect(outcome.message).toMatch(/cannot be pulled: .*unauthorized.*`registry` of the backend/is);
  });

  test('is not pulled with the login to another registry', async () => {
    process.env[variable] = 'let me in';
    const one = bench({ ...login, image: 'registry.example.org/tools/empty:1' });
    const outcome = await one.run(task(['/program'], { image: `${registry.server}/tools/empty:1` }));
    expect(outcome.message).toMatch(/cannot be pulled: .*unauthorized/is);
    const named = bench({ registry: { ...login.registry, server: `http://${registry.server}/v2/` } });
    expect((await named.run(task(['/program']))).message).toContain('no program `/program`');
  });

  test('waits for a password that the worker lacks', async () => {
    await expect(bench(login).run(task(['/program']))).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining(variable) as string,
    });
  });

  test('fails for good when the registry has none of that name', async () => {
    process.env[variable] = 'let me in';
    const outcome = await bench({ ...login, image: `${registry.server}/tools/other:1` }).run(task(['/program']));
    expect(outcome).toMatchObject({ failure: 'NOT_STARTED', retryable: false });
  });

  test('is tried again when the registry does not answer', async () => {
    await expect(bench({ image: '127.0.0.1:9/tools/empty:1' }).run(task(['/program']))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });
});
