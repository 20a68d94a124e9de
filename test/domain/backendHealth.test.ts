import {
  summarizeHealth,
  tidyHealth,
  whyNobodyRuns,
  type BackendHealth,
  type BackendView,
  type HealthFinding,
} from '../../src/domain/backendHealth';

const ready: HealthFinding = { state: 'READY', version: 'R 4.2.2', message: '', workers: 1, host: 'a' };
const missing: HealthFinding = {
  state: 'MISSING',
  version: null,
  message: 'Rscript is not installed: apt-get install r-base-core.',
  workers: 1,
  host: 'b',
};
const away: HealthFinding = { ...missing, state: 'UNAVAILABLE', message: 'The server does not answer.', workers: 2 };
const seen = (...findings: readonly HealthFinding[]): BackendView => ({ alive: 5, serving: 4, findings });

describe('the health of a backend', () => {
  it('is READY as soon as one worker finds it so, and tells where it is not', () => {
    expect(summarizeHealth(seen(ready))).toEqual({ state: 'READY', version: 'R 4.2.2', message: '' });
    expect(summarizeHealth(seen(missing, ready, away))).toEqual({
      state: 'READY',
      version: 'R 4.2.2',
      message: `On 2 workers, such as on b: ${away.message} On b: ${missing.message}`,
    });
  });

  it('is UNAVAILABLE when an engine is there and does not answer, and MISSING when there is none', () => {
    expect(summarizeHealth(seen(missing, away)).state).toBe('UNAVAILABLE');
    expect(summarizeHealth(seen(missing))).toEqual({ state: 'MISSING', version: null, message: missing.message });
  });

  it('is UNKNOWN, with the reason, when no live worker has asked', () => {
    expect(summarizeHealth(seen())).toMatchObject({
      state: 'UNKNOWN',
      message: expect.stringMatching(/have not asked/) as unknown,
    });
    expect(summarizeHealth({ ...seen(), serving: 0 })).toMatchObject({
      state: 'UNKNOWN',
      message: expect.stringMatching(/--queues/) as unknown,
    });
    expect(summarizeHealth({ alive: 0, serving: 0, findings: [] })).toMatchObject({
      state: 'UNKNOWN',
      message: expect.stringMatching(/No worker is alive/) as unknown,
    });
  });

  it('tells a few of many reasons, and how many more there are', () => {
    const many = Array.from({ length: 10 }, (_, n) => ({ ...missing, message: `reason ${n}.` }));
    const { message } = summarizeHealth(seen(...many));
    expect(message.match(/reason \d\./g)).toHaveLength(3);
    expect(message).toContain('7 more reasons');
  });
});

test('why nobody runs a step is told with what is missing, and not at all while somebody can', () => {
  expect(whyNobodyRuns('r-stats', seen(ready, missing))).toBeNull();
  expect(whyNobodyRuns('r-stats', seen(missing))).toBe(
    'No live worker can run backend `r-stats`: Rscript is not installed: apt-get install r-base-core.',
  );
  expect(whyNobodyRuns('r-stats', { alive: 0, serving: 0, findings: [] })).toMatch(/^No worker is alive/);
});

describe('what a kind or a plug-in tells of its health', () => {
  it('stays as it is when it is well', () => {
    const well: BackendHealth = { state: 'READY', version: '1.2', message: '' };
    expect(tidyHealth(well)).toEqual(well);
  });

  it('is cut to what fits in a line, without what cannot be stored', () => {
    const { version, message } = tidyHealth({
      state: 'MISSING',
      version: 'v\0'.repeat(500),
      message: 'm'.repeat(5_000),
    });
    expect([version, message]).toEqual([`${'v'.repeat(200)} …`, `${'m'.repeat(1_000)} …`]);
  });

  it('is UNAVAILABLE when it is no health', () => {
    expect(tidyHealth({ state: 'fine', version: 3, message: null } as unknown as BackendHealth)).toEqual({
      state: 'UNAVAILABLE',
      version: null,
      message: 'Its health is "fine", which is no state: a plug-in tells one of READY, UNAVAILABLE, MISSING.',
    });
    expect(tidyHealth({ state: 'READY' } as BackendHealth)).toEqual({ state: 'READY', version: null, message: '' });
  });
});
