/** The example with four technologies in one graph, on its real data. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describeEngine } from '../support/engines';
import { startStepcast, type Stepcast } from './support/stepcast';

const DATA = path.join(__dirname, '../../examples/weather/data/seattle-weather.csv');
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

describeEngine('PYTHON', 'one graph', () => {
  describeEngine('R', 'of SQL, Python, R', () => {
    describeEngine('OCTAVE', 'and Octave', () => {
      let stepcast: Stepcast;
      beforeAll(async () => {
        stepcast = await startStepcast();
      }, 60_000);
      afterAll(() => stepcast.stop(), 30_000);

      test('cleans, models, tests and draws the weather', async () => {
        const observations = { text: readFileSync(DATA, 'utf8'), name: 'seattle-weather.csv' };
        const id = await stepcast.submit('weather-seasons', { observations });
        // Three interpreters start one after the other.
        await stepcast.untilState(id, ['SUCCEEDED'], 100_000);
        const { submission } = await stepcast.gql<{
          submission: { outputs: Record<string, unknown>; results: { nodes: { name: string; url: string }[] } };
        }>('query ($id: ID!) { submission(id: $id) { outputs results(first: 20) { nodes { name url } } } }', { id });
        const { amplitude, explained, 'rain-effect': rain, 'p-value': chance } = submission.outputs;
        // As the data have it: within the year day and night differ by 5 to 11.5 degrees, and by 2.8 less when it rains.
        expect(amplitude).toBeCloseTo(3.3, 1);
        expect(explained).toBeGreaterThan(0.3);
        expect(rain).toBeCloseTo(-2.77, 1);
        expect(chance).toBeLessThan(1e-50);
        const url = submission.results.nodes.find(({ name }) => name === 'seasons.png')?.url ?? '';
        const picture = Buffer.from(await (await fetch(url)).arrayBuffer());
        expect(picture.subarray(0, PNG.length)).toEqual(PNG);
        expect(picture.length).toBeGreaterThan(5_000);
      }, 120_000);
    });
  });
});
