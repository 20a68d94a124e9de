import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDefinitionObject, parseDefinitions } from '../../src/formats/parse';
import { formatProblem } from '../../src/formats/problem';

function parsed(text: string) {
  const result = parseDefinitions({ name: 'f.yaml', text });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.set;
}
function problems(text: string): string[] {
  const result = parseDefinitions({ name: 'f.yaml', text });
  return result.ok ? [] : result.problems.map(formatProblem);
}

test('every example of the manual can be used as it stands', () => {
  const manual = readFileSync(join(__dirname, '../../docs/schedules.md'), 'utf8');
  const blocks = [...manual.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
  expect(blocks.length).toBeGreaterThan(2);
  expect(blocks.flatMap(problems)).toEqual([]);
});

test('a schedule in its shortest form has the defaults of the manual', () => {
  expect(parsed(`{schedule: nightly, job: words, cron: '@daily'}`).schedules).toEqual([
    {
      name: 'nightly',
      description: '',
      job: 'words',
      inputs: {},
      priority: 'NORMAL',
      label: 'nightly',
      enabled: true,
      cron: '@daily',
      timeZone: 'UTC',
      overlap: 'SKIP',
      catchUp: 'NONE',
      catchUpLimit: 100,
      jitterSeconds: 0,
    },
  ]);
});

test('schedules and triggers may stand in maps by name, beside jobs and tasks', () => {
  const { schedules, triggers } = parsed(`
tasks: { t: { command: ls } }
jobs: { j: { steps: { s: t } } }
schedules:
  a: { job: j, cron: '0 * * * *', overlap: cancel-running, catch-up: all, catch-up-limit: 5, jitter: 90s, priority: low }
triggers:
  hook: { job: j, webhook: true, inputs: { x: { body: /a/b } } }
  next: { job: j, after: other }
`);
  expect(schedules?.[0]).toMatchObject({
    overlap: 'CANCEL_RUNNING',
    catchUp: 'ALL',
    catchUpLimit: 5,
    jitterSeconds: 90,
    priority: 'LOW',
  });
  expect(triggers?.map(({ on }) => on)).toEqual([
    { kind: 'WEBHOOK', secret: 'hook', perMinute: 60 },
    { kind: 'COMPLETION', job: 'other', ending: 'SUCCEEDED' },
  ]);
});

test('the GraphQL door takes the same keys in camel case', () => {
  const schedule = parseDefinitionObject('schedule', {
    name: 's',
    job: 'j',
    cron: '@hourly',
    timeZone: 'Asia/Tokyo',
    catchUp: 'LATEST',
  });
  expect(schedule).toMatchObject({ ok: true, spec: { timeZone: 'Asia/Tokyo', catchUp: 'LATEST' } });
  const trigger = parseDefinitionObject('trigger', { name: 't', job: 'j', webhook: { perMinute: 5, secret: 'shop' } });
  expect(trigger).toMatchObject({ ok: true, spec: { on: { kind: 'WEBHOOK', secret: 'shop', perMinute: 5 } } });
});

test.each([
  [
    'a cron line that is none',
    "schedule: s\njob: j\ncron: '61 * * * *'\n",
    /^f\.yaml:3:7: '61 \* \* \* \*' is no cron line: .* Write minute, hour/,
  ],
  ['a line that never fires', "schedule: s\njob: j\ncron: '0 0 30 2 *'\n", /3:7: .* it never fires/],
  [
    'an unknown time zone',
    "schedule: s\njob: j\ncron: '@daily'\ntime-zone: Stockholm\n",
    /4:12: there is no time zone 'Stockholm'\. Write a name such as Europe\/Stockholm/,
  ],
  [
    'a misspelt key',
    "schedule: s\njob: j\ncron: '@daily'\novrlap: skip\n",
    /4:1: unknown key 'ovrlap'\. Did you mean 'overlap'\?/,
  ],
  ['a missing cron line', 'schedule: s\njob: j\n', /'cron' is missing/],
  [
    'a limit of nothing',
    "schedule: s\njob: j\ncron: '@daily'\ncatch-up-limit: 3\n",
    /4:1: 'catch-up-limit' needs 'catch-up: ALL'/,
  ],
  [
    'an unknown fact of a firing',
    "schedule: s\njob: j\ncron: '@daily'\ninputs:\n  day: { firing: dat }\n",
    /5:18: {firing: dat} names nothing\. Did you mean 'date'\?/,
  ],
  [
    'a body where there is none',
    "schedule: s\njob: j\ncron: '@daily'\ninputs:\n  day: { body: /a }\n",
    /5:\d+: {body: …} has no meaning here\. There are {firing: …}/,
  ],
  ['no reason to fire', 'trigger: t\njob: j\n', /nothing says what the trigger waits for\. Write 'webhook: true'/],
  ['two reasons', 'trigger: t\njob: j\nwebhook: true\nafter: k\n', /4:1: a trigger has 'webhook' or 'after', not both/],
  [
    'no JSON pointer',
    'trigger: t\njob: j\nwebhook: true\ninputs: { x: { body: a.b } }\n',
    /{body: a\.b} names nothing\. Write a JSON pointer/,
  ],
])('%s is told with its place', (_, text, expected) => {
  expect(problems(text).join('\n')).toMatch(expected);
});
