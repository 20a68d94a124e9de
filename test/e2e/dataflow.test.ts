/** Graphs that data shapes while they run: lists, conditions, jobs in jobs, computed values; with real commands. */
import { startStepcast, type Stepcast } from './support/stepcast';

let stepcast: Stepcast;

beforeAll(async () => {
  stepcast = await startStepcast({ workers: 2 });
  await stepcast.define(DEFINITIONS);
}, 60_000);
afterAll(() => stepcast.stop(), 30_000);

const DEFINITIONS = `
tasks:
  list-words:
    description: Gives the words of a text as a list.
    shell: true
    command: tr -s ' ' '\\n' < "$I1" | sed 's/.*/"&"/' | paste -sd, | sed 's/.*/[&]/'
    inputs: { text: File }
    outputs: { words: { from: stdout, read: json, type: 'string[]' } }
  shout:
    shell: true
    command: printf '%s' "$word" | tr '[:lower:]' '[:upper:]'
    parameters: { word: string }
    outputs: { loud: { from: stdout, read: text, type: string } }
  join-words:
    expression: '\${ return { json: inputs.words }; }'
    inputs: { words: 'string[]' }
    outputs: { json: { type: 'string[]' } }
  count:
    expression: '\${ return { total: inputs.words.length, many: inputs.words.length > 2 }; }'
    inputs: { words: 'string[]' }
    outputs: { total: { type: int }, many: { type: boolean } }
jobs:
  shout-one:
    description: Shouts one word, if it is long enough.
    inputs: { word: string }
    steps:
      shout: { task: shout, in: { word: word } }
    outputs: { loud: shout.loud }
  shout-all:
    description: Shouts the words of a text.
    inputs: { text: File, least: { type: int, default: 3 } }
    steps:
      list: { task: list-words, in: { text: text } }
      each:
        job: shout-one
        in: { word: list.words, least: least }
        scatter: word
        when: '$(inputs.word.length >= inputs.least)'
      count: { task: count, in: { words: list.words } }
      rare:
        task: shout
        in: { word: { expression: 'only $(self)', from: count.total } }
        when: '$(false)'
      loud: { task: join-words, in: { words: { from: each.loud, pick: all } } }
    outputs: { loud: loud.json, total: count.total, each: each.loud, rare: { from: [rare.loud, list.words], merge: nested } }
`;

test('a step gives the list that the next scatters over; elements run a job, or are skipped by a condition of their own', async () => {
  const id = await stepcast.submit('shout-all', { text: { text: 'call me a whale' } });
  await stepcast.untilState(id, ['SUCCEEDED', 'FAILED']);
  const { submission } = await stepcast.gql<{
    submission: {
      state: string;
      message: string;
      outputs: unknown;
      steps: { nodes: { name: string; state: string; partCounts: object | null }[] };
    };
  }>(
    `query($id: ID!) {
      submission(id: $id) {
        state message outputs
        steps(deep: true) { nodes { name state partCounts { pending succeeded failed skipped } } }
      }
    }`,
    { id },
  );
  expect(submission).toMatchObject({
    state: 'SUCCEEDED',
    outputs: {
      loud: ['CALL', 'WHALE'],
      total: 4,
      each: ['CALL', null, null, 'WHALE'],
      rare: [null, ['call', 'me', 'a', 'whale']],
    },
  });
  const states = new Map(submission.steps.nodes.map(({ name, state }) => [name, state]));
  expect(states.get('each[1]')).toBe('SKIPPED');
  expect(states.get('each[3]/shout')).toBe('SUCCEEDED');
  expect(states.get('rare')).toBe('SKIPPED');
  const counts = new Map(submission.steps.nodes.map(({ name, partCounts }) => [name, partCounts]));
  expect(counts.get('each')).toEqual({ pending: 0, succeeded: 2, failed: 0, skipped: 2 });
  expect(counts.get('each[3]')).toEqual({ pending: 0, succeeded: 1, failed: 0, skipped: 0 });
  expect(counts.get('count')).toBeNull();
});

test('a script that cannot be read is refused when it is defined', async () => {
  const job = `
job: broken
inputs: { word: string }
steps: { a: { task: shout, in: { word: word }, when: '$(inputs.word.length > )' } }
`;
  await expect(stepcast.define(job)).rejects.toThrow(/job "broken", steps\.a\.when: the script cannot be read: /);
});
