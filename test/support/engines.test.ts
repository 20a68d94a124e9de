import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { engine, planFor } from './engines';
import { findEngines, readEngineFile, type EngineName } from './findEngines';

const NAMES: readonly EngineName[] = [
  'PYTHON',
  'R',
  'OCTAVE',
  'BUBBLEWRAP',
  'CONTAINER',
  'RSERVE',
  'SLURM',
  'GRID_ENGINE',
  'SPARK',
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'stepcast-engines-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('the run knows of each engine whether it is here', () => {
  for (const name of NAMES) expect(engine(name)).toMatchObject({ here: expect.any(Boolean) as boolean });
});

test('on a machine without engines each says what is missing', async () => {
  const found = await findEngines({ PATH: folder, STEPCAST_TEST_ENGINES_HOME: folder });
  expect(Object.fromEntries(NAMES.map((name) => [name, found[name]]))).toEqual({
    PYTHON: { here: false, reason: 'python3 is not on PATH' },
    R: { here: false, reason: 'Rscript is not on PATH' },
    OCTAVE: { here: false, reason: 'octave-cli is not on PATH' },
    BUBBLEWRAP: { here: false, reason: 'bwrap is not on PATH' },
    CONTAINER: { here: false, reason: 'podman is not on PATH' },
    RSERVE: { here: false, reason: 'RSERVE_URL is not set' },
    SLURM: { here: false, reason: 'sbatch is not on PATH' },
    GRID_ENGINE: { here: false, reason: 'qsub is not on PATH' },
    SPARK: { here: false, reason: 'SPARK_HOME is not set' },
  });
});

test('an engine that is installed and does not run is not here', async () => {
  for (const name of ['sbatch', 'sinfo', 'podman'])
    await writeFile(path.join(folder, name), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const found = await findEngines({
    PATH: folder,
    STEPCAST_TEST_ENGINES_HOME: folder,
    STEPCAST_TEST_IMAGE: 'an-image',
    DOCKER_HOST: `unix://${folder}/no.sock`,
    SPARK_HOME: folder,
    SPARK_MASTER: 'spark://127.0.0.1:1',
  });
  expect(found.SLURM).toEqual({ here: false, reason: 'slurmctld does not answer' });
  expect(found.CONTAINER).toEqual({ here: false, reason: `nothing answers on ${folder}/no.sock` });
  expect(found.SPARK).toEqual({ here: false, reason: 'nothing listens at spark://127.0.0.1:1' });
});

test('the file of the engines is read as a shell would', async () => {
  const file = path.join(folder, 'engines.env');
  await writeFile(file, "SLURM_CONF='/a path/slurm.conf'\nEMPTY=''\n");
  expect(await readEngineFile(file)).toEqual({ SLURM_CONF: '/a path/slurm.conf', EMPTY: '' });
  expect(await readEngineFile(path.join(folder, 'none.env'))).toEqual({});
});

test('tests of an engine that is missing are left out with the reason, and fail where every engine is wanted', () => {
  const missing = { here: false, reason: 'sbatch is not on PATH' } as const;
  expect(planFor('SLURM', missing, undefined)).toEqual({ kind: 'leave out', note: 'SLURM (sbatch is not on PATH)' });
  expect(planFor('SLURM', missing, 'all')).toMatchObject({
    kind: 'fail',
    message: expect.stringMatching(/^SLURM is not here \(sbatch is not on PATH\)/) as string,
  });
  expect(planFor('SLURM', { here: true, facts: 1 }, 'all')).toEqual({ kind: 'run', facts: 1 });
});
