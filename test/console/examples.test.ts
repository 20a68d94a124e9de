import { findExample, firstTab, readyTabs, tabOf, type ExampleOperation } from '../../console/graphiql/examples';

const run: ExampleOperation = {
  title: 'Run word-count',
  query: 'mutation RunWordCount($input: RunWordCountInput!) { runWordCount(input: $input) { submission { id } } }',
  variables: { input: { minLength: 3 } },
};
const list: ExampleOperation = { title: 'List', query: 'query ListSubmissions { submissions { id } }', variables: {} };

describe('the tabs of GraphiQL', () => {
  it('an example opens with its variables as JSON, or with none', () => {
    expect(tabOf(run).variables).toBe(JSON.stringify(run.variables, null, 2));
    expect(tabOf(list).variables).toBeNull();
  });

  it('a first visit opens the examples, the wanted one first', () => {
    expect(readyTabs([run, list], undefined)).toEqual([tabOf(run), tabOf(list)]);
    expect(readyTabs([run, list], list)).toEqual([tabOf(list), tabOf(run)]);
  });

  it('many examples do not flood the tabs', () => {
    expect(
      readyTabs(
        Array.from({ length: 50 }, () => ({ ...run })),
        undefined,
      ).length,
    ).toBeLessThan(10);
  });

  it('without examples there is a tab that works on every service', () => {
    expect(readyTabs([], undefined)[0]?.query).toContain('__schema');
  });

  it('an example is found by the name of its operation', () => {
    expect(findExample([run, list], 'ListSubmissions')).toBe(list);
    expect(findExample([run, list], 'RunWord')).toBeUndefined();
    expect(findExample([run, list], null)).toBeUndefined();
  });
});

describe('what the editors show first', () => {
  const ready = [tabOf(run), tabOf(list)];
  const stored = JSON.stringify({ activeTabIndex: 1, tabs: [{ query: 'a' }, { query: 'b', variables: '{"id": 1}' }] });

  it('is the first ready tab on a first visit', () => {
    expect(firstTab(ready, undefined, null)).toEqual(tabOf(run));
  });

  it('is the tab that was open on a later visit', () => {
    expect(firstTab(ready, undefined, stored)).toEqual({ query: 'b', variables: '{"id": 1}' });
  });

  it('is the wanted example in any case', () => {
    expect(firstTab(ready, tabOf(list), stored)).toEqual(tabOf(list));
  });

  it.each(['not JSON', '{}', '{"tabs": [], "activeTabIndex": 3}', 'null'])(
    'is left to GraphiQL when the stored tabs are %s',
    (broken) => {
      expect(firstTab(ready, undefined, broken)).toBeUndefined();
    },
  );
});
