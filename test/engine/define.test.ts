import type { Work } from '../../src/engine/claim';
import { ended, job, task, type TestEngine } from './support';
import { withEngine } from './withEngine';

let engine: TestEngine;
withEngine((opened) => {
  engine = opened;
});

const versions = (kind: string, name: string) =>
  engine.rows<{ version: number }>('select version from definition_version where kind = $1 and name = $2', [
    kind,
    name,
  ]);
const A = { source: 'file:a.yaml', mode: 'replace' as const };
const B = { source: 'file:b.yaml', mode: 'replace' as const };

test('the same definition again is no new version, and nobody is told', async () => {
  const one = [job('j', { only: {} })];
  expect(await engine.define([task('work')], one)).toMatchObject({
    ok: true,
    changed: [{ kind: 'TASK' }, { kind: 'JOB' }],
  });
  expect(engine.heard.definitionChanges).toBe(1);
  expect(await engine.define([task('work')], one)).toEqual({ ok: true, changed: [] });
  expect(engine.heard.definitionChanges).toBe(1);
  expect(await versions('JOB', 'j')).toHaveLength(1);
});

test('a change of a task is a new version of the jobs that run it; a running submission keeps the one it began with', async () => {
  await engine.define([task('work')], [job('j', { a: {}, b: { after: ['a'] } })]);
  const id = await engine.submit('j');
  const worker = await engine.worker();
  const [a] = (await engine.claim(worker)) as [Work];
  await engine.define([{ ...task('work'), timeoutSeconds: 99 }], []);
  expect((await engine.version('j')).version).toBe(2);
  await engine.complete(ended(a, worker));
  expect(await engine.claim(worker)).toMatchObject([{ submissionId: id, task: { timeoutSeconds: 10 } }]);
  await engine.submit('j');
  expect(await engine.claim(worker)).toMatchObject([{ task: { timeoutSeconds: 99 } }]);
});

test('going back to an earlier definition is that version again', async () => {
  const [old, fresh] = [task('work'), { ...task('work'), timeoutSeconds: 99 }];
  for (const one of [old, fresh, old]) await engine.define([one], [job('j', { a: {} })]);
  expect((await engine.version('j')).version).toBe(1);
  expect(await versions('JOB', 'j')).toHaveLength(2);
});

test('two sources may not define one name, and the first keeps it', async () => {
  await engine.define([task('work')], [], A);
  expect(await engine.define([{ ...task('work'), timeoutSeconds: 1 }], [], B)).toMatchObject({
    ok: false,
    problems: [
      { source: 'file:b.yaml', kind: 'TASK', name: 'work', message: 'task "work" is defined in a.yaml already' },
    ],
  });
  expect(await versions('TASK', 'work')).toHaveLength(1);
});

test('what a source no longer says is removed, unless another still uses it', async () => {
  await engine.define([task('work'), task('other')], [], A);
  await engine.define([], [job('j', { a: {} })], B);
  expect(await engine.define([task('work')], [], A)).toEqual({ ok: true, changed: [{ kind: 'TASK', name: 'other' }] });
  const refused = await engine.define([], [], A);
  expect(refused).toMatchObject({ ok: false, problems: [{ source: 'file:b.yaml', kind: 'JOB', name: 'j' }] });
  expect(await engine.version('j')).toBeTruthy();
  expect(await engine.define([], [], B)).toMatchObject({ ok: true });
  await expect(engine.version('j')).rejects.toThrow('no job j');
});

test('a problem anywhere changes nothing', async () => {
  const outcome = await engine.define([task('work')], [job('good', { a: {} }), job('bad', { a: { task: 'missing' } })]);
  expect(outcome).toMatchObject({ ok: false, problems: [{ kind: 'JOB', name: 'bad' }] });
  expect(await engine.rows(`select from definition where kind <> 'BACKEND'`)).toEqual([]);
});

test('two jobs that would be one mutation are refused', async () => {
  const outcome = await engine.define([task('work')], [job('word-count', { a: {} }), job('word_count', { a: {} })]);
  expect(outcome).toMatchObject({
    ok: false,
    problems: [{ message: expect.stringContaining('runWordCount') as string }],
  });
});

test('text that cannot be stored is a problem of its definition, not a fault', async () => {
  const outcome = await engine.define([{ ...task('work'), description: 'a \0 b' }], []);
  expect(outcome).toMatchObject({ ok: false, problems: [{ kind: 'TASK', name: 'work' }] });
});

test('several writers at once leave one consistent state', async () => {
  const outcomes = await Promise.all(
    [1, 2, 3, 4].map((n) => engine.define([{ ...task('work'), timeoutSeconds: n }], [job('j', { a: {} })])),
  );
  expect(outcomes.every((one) => one.ok)).toBe(true);
  const { bundle } = await engine.version('j');
  const [current] = await engine.rows<{ spec: unknown }>(
    `select v.spec from definition d join definition_version v on v.id = d.version_id where d.kind = 'TASK'`,
  );
  expect(bundle.tasks).toEqual([current?.spec]);
});
