/** Schedules with real processes: three API processes share the work, and what each fires is told by the API. */
import { startStepcast, type Stepcast } from './support/stepcast';
import { makeGate, GATED_JOBS, type Gate } from './support/gate';
import { eventually } from './support/wait';

const JOBS = `
task: say
shell: true
command: echo "$word" > "$said"
parameters: { word: { type: string } }
outputs: { said: '*.said' }
---
job: say
inputs: { word: string }
steps: { say: { task: say, in: { word: word } } }
---
job: copy
inputs: { text: File, day: 'string?' }
steps: { copy: { task: copy, in: { text: text, day: day } } }
---
task: copy
shell: true
command: cat "$text" > "$copied"
inputs: { text: File }
parameters: { day: { type: 'string?', required: false } }
outputs: { copied: '*.copied' }
---
${GATED_JOBS}`;

interface Firing {
  readonly time: string;
  readonly state: string;
  readonly message: string;
  readonly backfill: boolean;
  readonly submission: { readonly id: string; readonly state: string; readonly inputs: Record<string, unknown> } | null;
}

let stepcast: Stepcast;
beforeAll(async () => {
  stepcast = await startStepcast({ apis: 3, workers: 1, env: { STEPCAST_MAX_BATCH: '40' } });
  await stepcast.define(JOBS);
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

async function firings(name: string): Promise<Firing[]> {
  const { schedule } = await stepcast.gql<{ schedule: { firings: { nodes: Firing[] } } }>(
    `query ($name: String!) { schedule(name: $name) {
      firings(first: 200) { nodes { time state message backfill submission { id state inputs } } } } }`,
    { name },
  );
  return schedule.firings.nodes;
}

async function remove(name: string): Promise<void> {
  const { removeDefinition } = await stepcast.gql<{ removeDefinition: { userErrors: unknown[] } }>(
    `mutation ($name: String!) { removeDefinition(input: { kind: SCHEDULE, name: $name }) { userErrors { message } } }`,
    { name },
  );
  expect(removeDefinition.userErrors).toEqual([]);
}

/** Makes the server believe that it looked last so long ago. */
async function sleepFor(name: string, interval: string): Promise<void> {
  await eventually(`${name} is followed`, async () => {
    const rows = await stepcast.sql(
      `update firer set planned_until = now() - $2::interval, next_at = now() - $2::interval where name = $1 returning name`,
      [name, interval],
    );
    return rows.length > 0;
  });
}

const whenFired = (name: string, isEnough: (all: Firing[]) => boolean): Promise<Firing[]> =>
  eventually(`firings of ${name}`, async () => {
    const all = await firings(name);
    return isEnough(all) ? all : null;
  });

test('each time fires once, however many processes look and whichever of them dies', async () => {
  await stepcast.define(
    `{schedule: each-second, job: say, cron: '* * * * * *', overlap: ALLOW, inputs: {word: {firing: time}}}`,
  );
  const submittedIn = (all: Firing[]): number => all.filter(({ state }) => state === 'SUBMITTED').length;
  await whenFired('each-second', (all) => submittedIn(all) >= 2);
  const victim = stepcast.apis[1];
  await victim?.end('SIGKILL');
  const atDeath = submittedIn(await firings('each-second'));
  await whenFired('each-second', (all) => submittedIn(all) >= atDeath + 3);
  await victim?.restart();
  await whenFired('each-second', (all) => submittedIn(all) >= atDeath + 5);
  await remove('each-second');
  const rows = await eventually('all have come to an end', async () => {
    const found = await stepcast.sql<{ key: string; state: string; message: string; inputs: { word: string } | null }>(
      `select f.key, f.state, f.message, s.inputs from firing f left join submission s on s.id = f.submission_id
       where f.name = 'each-second' order by f.time`,
    );
    return found.every(({ state }) => state !== 'DUE') ? found : null;
  });
  const times = rows.map(({ key }) => Date.parse(key) / 1_000);
  // No second is missing and none is twice.
  expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index));
  const submitted = rows.filter(({ state }) => state === 'SUBMITTED');
  expect(submitted.map(({ inputs }) => inputs?.word)).toEqual(submitted.map(({ key }) => key));
  // What was due when the schedule was removed is skipped, and only that.
  for (const { message } of rows.filter(({ state }) => state !== 'SUBMITTED'))
    expect(message).toBe('Skipped: its definition was removed.');
  const [count] = await stepcast.sql<{ count: number }>(
    `select count(*)::int as count from submission where label = 'each-second'`,
  );
  expect(count?.count).toBe(submitted.length);
}, 60_000);

describe('while the submission of an earlier firing runs', () => {
  let gate: Gate;
  beforeEach(async () => {
    gate = await makeGate();
  });
  afterEach(() => gate.remove());
  const define = (name: string, overlap: string): Promise<void> =>
    stepcast.define(
      JSON.stringify({ schedule: name, job: 'hold', cron: '* * * * * *', overlap, inputs: { gate: gate.folder } }),
    );

  test('SKIP leaves the next one out and says why', async () => {
    await define('skipping', 'SKIP');
    const all = await whenFired('skipping', (found) => found.some(({ state }) => state === 'SKIPPED'));
    expect(all.filter(({ state }) => state === 'SUBMITTED')).toHaveLength(1);
    expect(all.find(({ state }) => state === 'SKIPPED')?.message).toMatch(/earlier firing has not ended/);
    await remove('skipping');
    await gate.open();
  });

  test('QUEUE lets the next one wait, and it goes on in order', async () => {
    await define('queueing', 'QUEUE');
    await whenFired('queueing', (found) => found.some(({ message }) => message.startsWith('Waits until')));
    expect((await firings('queueing')).filter(({ state }) => state === 'SUBMITTED')).toHaveLength(1);
    await gate.open();
    const all = await whenFired('queueing', (found) => found.filter(({ state }) => state === 'SUBMITTED').length >= 3);
    await remove('queueing');
    const ids = all
      .filter(({ submission }) => submission !== null)
      .map(({ submission }) => submission?.id ?? '')
      .reverse();
    const rows = await stepcast.sql<{ started_at: Date; finished_at: Date }>(
      `select started_at, finished_at from submission where label = 'queueing' and state = 'SUCCEEDED' order by id`,
    );
    expect(ids.length).toBeGreaterThanOrEqual(3);
    rows.slice(1).forEach((row, index) => {
      expect(row.started_at.getTime()).toBeGreaterThanOrEqual(rows[index]?.finished_at.getTime() ?? 0);
    });
  }, 60_000);

  test('CANCEL_RUNNING ends the earlier one', async () => {
    await define('replacing', 'CANCEL_RUNNING');
    const all = await whenFired(
      'replacing',
      (found) => found.filter(({ submission }) => submission?.state === 'CANCELLED').length >= 1,
    );
    await remove('replacing');
    expect(all.filter(({ submission }) => submission !== null).length).toBeGreaterThan(1);
    await gate.open();
  });
});

describe('times that passed while no server ran', () => {
  const define = (name: string, rest: object): Promise<void> =>
    stepcast.define(
      JSON.stringify({
        schedule: name,
        job: 'say',
        cron: '0 0 * * *',
        overlap: 'ALLOW',
        inputs: { word: 'x' },
        ...rest,
      }),
    );

  test('NONE skips them, and says that they were missed', async () => {
    await define('missed', {});
    await sleepFor('missed', '5 days');
    const all = await whenFired('missed', (found) => found.length === 5);
    expect(all.map(({ state }) => state)).toEqual(Array(5).fill('SKIPPED'));
    expect(all[0]?.message).toMatch(/^Missed/);
  });
  test('LATEST makes good the latest', async () => {
    await define('latest', { 'catch-up': 'LATEST' });
    await sleepFor('latest', '5 days');
    const all = await whenFired('latest', (found) => found.length === 5 && found.every(({ state }) => state !== 'DUE'));
    expect(all.map(({ state }) => state)).toEqual(['SUBMITTED', ...Array<string>(4).fill('SKIPPED')]);
  });
  test('ALL makes good as many as its limit says', async () => {
    await define('all', { 'catch-up': 'ALL', 'catch-up-limit': 3 });
    await sleepFor('all', '5 days');
    const all = await whenFired('all', (found) => found.length === 5 && found.every(({ state }) => state !== 'DUE'));
    expect(all.map(({ state }) => state)).toEqual([...Array<string>(3).fill('SUBMITTED'), 'SKIPPED', 'SKIPPED']);
  });
});

describe('a back-fill', () => {
  const BACKFILL = `mutation ($input: BackfillScheduleInput!) { backfillSchedule(input: $input) {
    submitted alreadyFired batch { label submissions(first: 50) { nodes { priority inputs firing { time backfill } } } }
    userErrors { code message field } } }`;
  interface Payload {
    readonly backfillSchedule: {
      readonly submitted: number;
      readonly alreadyFired: number;
      readonly batch: {
        label: string;
        submissions: { nodes: { priority: string; inputs: object; firing: object }[] };
      } | null;
      readonly userErrors: { code: string; message: string; field: string[] }[];
    };
  }
  const fill = async (from: string, to: string): Promise<Payload['backfillSchedule']> =>
    (await stepcast.gql<Payload>(BACKFILL, { input: { name: 'daily', from, to, priority: 'LOW' } })).backfillSchedule;

  beforeAll(() =>
    stepcast.define(`{schedule: daily, job: copy, cron: '30 2 * * *', time-zone: Europe/Stockholm,
      inputs: {text: {text: hello}, day: {firing: date}}}`),
  );

  test('submits each time of the range once, as a batch', async () => {
    const first = await fill('2026-10-24T00:00:00Z', '2026-10-26T12:00:00Z');
    expect(first).toMatchObject({ submitted: 3, alreadyFired: 0, userErrors: [], batch: { label: 'daily' } });
    expect(first.batch?.submissions.nodes.map(({ firing }) => firing)).toEqual([
      { time: '2026-10-26T01:30:00.000Z', backfill: true },
      { time: '2026-10-25T00:30:00.000Z', backfill: true },
      { time: '2026-10-24T00:30:00.000Z', backfill: true },
    ]);
    expect(first.batch?.submissions.nodes[0]).toMatchObject({ priority: 'LOW', inputs: { day: '2026-10-26' } });
    const more = await fill('2026-10-24T00:00:00Z', '2026-10-28T00:00:00Z');
    expect(more).toMatchObject({ submitted: 1, alreadyFired: 3 });
  });
  test('two at once submit each time once', async () => {
    const range = ['2026-09-01T00:00:00Z', '2026-09-11T00:00:00Z'] as const;
    const both = await Promise.all([fill(...range), fill(...range)]);
    expect(both.map(({ submitted }) => submitted).sort()).toEqual([0, 10]);
    const [row] = await stepcast.sql<{ count: number }>(
      `select count(*)::int as count from submission where label = 'daily' and inputs->>'day' between '2026-09-01' and '2026-09-11'`,
    );
    expect(row?.count).toBe(10);
  });
  test.each([
    ['nothing left', '2026-10-24T00:00:00Z', '2026-10-25T00:00:00Z', 'CONFLICT'],
    ['the future', '2026-10-24T00:00:00Z', '2099-10-25T00:00:00Z', 'BAD_INPUT'],
    ['an empty range', '2026-10-24T00:00:00Z', '2026-10-24T00:00:00Z', 'BAD_INPUT'],
    ['more than a batch may hold', '2025-01-01T00:00:00Z', '2025-03-01T00:00:00Z', 'LIMIT_EXCEEDED'],
  ])('is refused for %s', async (_, from, to, code) => {
    const before = await stepcast.sql('select count(*) from submission');
    expect((await fill(from, to)).userErrors.map((error) => error.code)).toEqual([code]);
    expect(await stepcast.sql('select count(*) from submission')).toEqual(before);
  });
});

test('a file that was uploaded is held for the schedule when the upload is gone', async () => {
  const { createUpload } = await stepcast.gql<{ createUpload: { upload: { id: string; url: string } } }>(
    `mutation { createUpload(input: { name: "words.txt" }) { upload { id url } } }`,
  );
  await fetch(createUpload.upload.url, { method: 'PUT', body: 'kept words' });
  const id = createUpload.upload.id;
  const { defineSchedule } = await stepcast.gql<{
    defineSchedule: { schedules: { name: string }[]; userErrors: unknown[] };
  }>(
    `mutation ($id: String!) { defineSchedule(input: { name: "with-file", job: "copy", cron: "@daily", catchUp: "LATEST",
      inputs: { text: { upload: $id } } }) { schedules { name } userErrors { message } } }`,
    { id },
  );
  expect(defineSchedule).toEqual({ schedules: [{ name: 'with-file' }], userErrors: [] });
  await eventually(
    'it is followed',
    async () => (await stepcast.sql(`select from firer where name = 'with-file'`)).length === 1,
  );
  await stepcast.sql(`update upload set expires_at = now() - interval '1 hour'`);
  await eventually('the upload is gone', async () => (await stepcast.sql('select from upload')).length === 0);
  await sleepFor('with-file', '2 days');
  const all = await whenFired('with-file', (found) =>
    found.some(({ submission }) => submission?.state === 'SUCCEEDED'),
  );
  expect(all.find(({ submission }) => submission !== null)?.submission?.inputs).toMatchObject({
    text: { name: 'words.txt', size: 10 },
  });
});

test('a paused schedule does nothing, and goes on with its next time', async () => {
  await stepcast.define(`{schedule: pausing, job: say, cron: '* * * * * *', overlap: ALLOW, inputs: {word: x}}`);
  await whenFired('pausing', (all) => all.length >= 1);
  const pause = (field: string): Promise<unknown> =>
    stepcast.gql(`mutation { ${field}(input: { name: "pausing" }) { schedule { paused } userErrors { message } } }`);
  expect(await pause('pauseSchedule')).toEqual({ pauseSchedule: { schedule: { paused: true }, userErrors: [] } });
  const last = Date.parse((await firings('pausing'))[0]?.time ?? '');
  await stepcast.sql(`select pg_sleep(2.5)`);
  expect(Date.parse((await firings('pausing'))[0]?.time ?? '')).toBe(last);
  const resumed = Date.now();
  expect(await pause('unpauseSchedule')).toEqual({ unpauseSchedule: { schedule: { paused: false }, userErrors: [] } });
  const all = await whenFired('pausing', (found) => Date.parse(found[0]?.time ?? '') > last);
  expect(all.filter(({ time }) => Date.parse(time) > last && Date.parse(time) < resumed - 1_000)).toEqual([]);
  await remove('pausing');
}, 60_000);

test('the next times are told, page by page, with their delays', async () => {
  await stepcast.define(`{schedule: jittery, job: say, cron: '@hourly', jitter: 5m, inputs: {word: x}}`);
  interface Page {
    readonly schedule: { nextFirings: { nodes: { time: string; dueAt: string }[]; pageInfo: { endCursor: string } } };
  }
  const page = (after: string | null): Promise<Page> =>
    stepcast.gql<Page>(
      `query ($after: String) { schedule(name: "jittery") { nextFirings(first: 3, after: $after) {
        nodes { time dueAt } pageInfo { endCursor hasNextPage } } } }`,
      { after },
    );
  const first = (await page(null)).schedule.nextFirings;
  const second = (await page(first.pageInfo.endCursor)).schedule.nextFirings;
  const times = [...first.nodes, ...second.nodes].map(({ time }) => Date.parse(time));
  expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index * 3_600_000));
  for (const { time, dueAt } of [...first.nodes, ...second.nodes]) {
    const delay = Date.parse(dueAt) - Date.parse(time);
    expect(delay >= 0 && delay < 300_000).toBe(true);
  }
});
