import fc from 'fast-check';
import { impliedEdges } from '../../src/domain/graphEdges';
import { graphOf, MAX_GRAPH_DEPTH, MAX_GRAPH_EDGES, MAX_GRAPH_NODES, type GraphView } from '../../src/domain/graphView';
import { anySteps, planOfSteps } from './plans';

const TRUE = { kind: 'reference', path: ['inputs', 'x'] } as const;
const ALL = { first: 100, depth: 2 };

const told = ({ edges }: GraphView): string[] =>
  edges.map(({ from, to, kind, ports }) =>
    [`${from} ${kind} ${to}`, ...ports.map((port) => `${port.from}>${port.to}`)].join(' '),
  );

describe('the graph of a job', () => {
  it('has a node for each step, and an edge for each reason that one comes after another', () => {
    const plan = planOfSteps({
      fetch: {},
      left: { in: { text: 'fetch.out' } },
      right: { in: { text: 'fetch.out' } },
      join: { in: { a: 'left.out', b: 'right.out' }, when: { step: 'right', exitCodes: [0, 1] } },
      check: { when: { step: 'left', exitCodes: [3] } },
      clean: { after: ['join'] },
    });
    const view = graphOf(plan, ALL);
    expect(view).toMatchObject({ title: 'pipeline', groups: [], foldedSteps: 0, foldedEdges: 0 });
    expect(view.nodes.map(({ id, kind, runs, group }) => [id, kind, runs, group])).toEqual(
      ['fetch', 'left', 'right', 'join', 'check', 'clean'].map((name) => [name, 'TASK', 'work', null]),
    );
    expect(told(view).sort()).toEqual([
      'fetch DATA left out>text',
      'fetch DATA right out>text',
      'join ORDER clean',
      'left CONDITION check',
      'left DATA join out>a',
      'right DATA join out>b',
    ]);
    const [joined, check] = ['join', 'check'].map((id) => view.edges.filter(({ to }) => to === id));
    expect(joined?.map(({ exitCodes }) => exitCodes)).toEqual([null, [0, 1]]);
    expect(check?.map(({ exitCodes }) => exitCodes)).toEqual([[3]]);
  });

  it('joins several links between two steps in one edge that names all ports', () => {
    const view = graphOf(planOfSteps({ a: {}, b: { in: { x: 'a.out', y: 'a.out' }, after: ['a'] } }), ALL);
    expect(told(view)).toEqual(['a DATA b out>x out>y']);
  });

  it('says which edges others imply', () => {
    const view = graphOf(planOfSteps({ a: {}, b: { after: ['a'] }, c: { after: ['a', 'b'] } }), ALL);
    expect(view.edges.filter(({ implied }) => implied).map(({ from, to }) => [from, to])).toEqual([['a', 'c']]);
  });

  it('folds what comes last into one node when the steps are too many', () => {
    const names = Array.from({ length: 10 }, (_, index) => `s${index}`);
    const steps = Object.fromEntries(names.map((name, index) => [name, { after: names.slice(index - 1, index) }]));
    const view = graphOf(planOfSteps(steps), { first: 4, depth: 2 });
    expect(view.nodes.map(({ kind, label }) => [kind, label])).toEqual([
      ['TASK', 's0'],
      ['TASK', 's1'],
      ['TASK', 's2'],
      ['REST', '7 more steps'],
    ]);
    expect(view.nodes.at(-1)?.steps).toEqual(names.slice(3));
    expect(view.edges.map(({ from, to }) => [from, to])).toEqual([
      ['s0', 's1'],
      ['s1', 's2'],
      ['s2', '…'],
    ]);
    expect(view.foldedSteps).toBe(7);
  });

  it('keeps its bounds, however large the job', () => {
    const names = Array.from({ length: 400 }, (_, index) => `s${index}`);
    const steps = Object.fromEntries(names.map((name, index) => [name, { after: names.slice(0, index) }]));
    const view = graphOf(planOfSteps(steps), { first: MAX_GRAPH_NODES, depth: 2 });
    expect([view.nodes.length, view.edges.length]).toEqual([MAX_GRAPH_NODES, MAX_GRAPH_EDGES]);
    expect([view.foldedSteps, view.foldedEdges]).toEqual([201, (200 * 199) / 2 - MAX_GRAPH_EDGES]);
    // What says something new stays.
    expect(view.edges.filter(({ implied }) => !implied)).toHaveLength(MAX_GRAPH_NODES - 1);
  });

  it.each([0, MAX_GRAPH_NODES + 1, 1.5, Number.NaN])('refuses %d nodes', (first) => {
    expect(() => graphOf(planOfSteps({ a: {} }), { first, depth: 1 })).toThrow(/first .* a whole number from 1 to 200/);
  });

  it.each([-1, MAX_GRAPH_DEPTH + 1, 0.5])('refuses a depth of %d', (depth) => {
    expect(() => graphOf(planOfSteps({ a: {} }), { first: 1, depth })).toThrow(/depth .* a whole number from 0 to 8/);
  });

  it('shows every step once, alone or folded, and no edge leads from a node to itself', () => {
    fc.assert(
      fc.property(anySteps, fc.integer({ min: 1, max: 45 }), (steps, first) => {
        const view = graphOf(planOfSteps(steps), { first, depth: 2 });
        expect(view.nodes.length).toBeLessThanOrEqual(first);
        expect(view.nodes.flatMap((node) => node.steps).sort()).toEqual(Object.keys(steps).sort());
        const ids = new Set(view.nodes.map(({ id }) => id));
        expect(ids.size).toBe(view.nodes.length);
        for (const { from, to } of view.edges) {
          expect([from === to, ids.has(from), ids.has(to)]).toEqual([false, true, true]);
        }
        expect(new Set(view.edges.map(({ from, to }) => `${from} ${to}`)).size).toBe(view.edges.length);
      }),
    );
  });
});

describe('the graph of a job with scatters and jobs inside', () => {
  const plan = planOfSteps(
    {
      split: {},
      'per-sample': { job: 'one-sample', in: { reads: 'split.out' }, scatter: ['reads'] },
      depth: { in: { reads: 'split.out', ref: '=x' }, scatter: ['reads', 'ref'], method: 'nested' },
      join: { in: { all: 'per-sample.result' }, after: ['depth'] },
    },
    {
      'one-sample': {
        align: { links: { reads: { kind: 'input', input: 'reads' } } },
        call: { job: 'caller', in: { x: 'align.out' } },
      },
      caller: { find: {}, keep: { in: { x: 'find.out' }, when: { kind: 'expression', expression: TRUE } } },
    },
  );
  const shape = (depth: number, first = 100): unknown => {
    const { nodes, groups } = graphOf(plan, { first, depth });
    return {
      nodes: nodes.map(({ id, kind, runs }) => `${id} ${kind} ${runs}`),
      groups: groups.map(({ id, kind, runs, group }) => `${id} ${kind} ${runs} in ${group}`),
    };
  };
  const outer = ['split TASK work', 'depth SCATTER work', 'join TASK work'];

  it('has one node for a scatter and for a closed job, and groups as deep as asked for', () => {
    expect(shape(0)).toEqual({
      nodes: ['split TASK work', 'per-sample SCATTER one-sample', 'depth SCATTER work', 'join TASK work'],
      groups: [],
    });
    expect(shape(1)).toEqual({
      nodes: [...outer, 'per-sample/align TASK work', 'per-sample/call JOB caller'],
      groups: ['per-sample SCATTER one-sample in null'],
    });
    expect(shape(2)).toEqual({
      nodes: [
        ...outer,
        'per-sample/align TASK work',
        'per-sample/call/find TASK work',
        'per-sample/call/keep TASK work',
      ],
      groups: ['per-sample SCATTER one-sample in null', 'per-sample/call JOB caller in per-sample'],
    });
  });

  it('leaves a job closed when there is no room for all of its steps', () => {
    expect(shape(2, 5)).toEqual(shape(1));
    expect(shape(2, 4)).toEqual(shape(0));
  });

  it('joins a group with its neighbours, and what is inside with each other', () => {
    const view = graphOf(plan, ALL);
    expect(told(view).sort()).toEqual([
      'depth ORDER join',
      'per-sample DATA join result>all',
      'per-sample/align DATA per-sample/call out>x',
      'per-sample/call/find DATA per-sample/call/keep out>x',
      'split DATA depth out>reads',
      'split DATA per-sample out>reads',
    ]);
    const part = (id: string): unknown => [...view.nodes, ...view.groups].find((one) => one.id === id);
    expect(part('depth')).toMatchObject({ over: ['reads', 'ref'], conditional: false });
    expect(part('per-sample/call/keep')).toMatchObject({ over: [], conditional: true, label: 'keep' });
  });

  it('follows links of several sources and computed ones to their steps', () => {
    const merged = {
      kind: 'merge',
      how: 'flat',
      sources: ['a', 'b'].map((step) => ({ kind: 'output', step, port: 'out' }) as const),
    } as const;
    const steps = {
      a: {},
      b: {},
      c: { links: { x: merged, y: { kind: 'expression', expression: TRUE, source: merged } as const } },
      d: { links: { z: { kind: 'glob', glob: '*.txt', steps: ['a', 'c'], inputs: true } as const } },
    };
    expect(told(graphOf(planOfSteps(steps), ALL)).sort()).toEqual([
      'a DATA c out>x out>y',
      'a FILES d >z',
      'b DATA c out>x out>y',
      'c FILES d >z',
    ]);
  });

  it('keeps its bounds when jobs run each other many times', () => {
    const names = Array.from({ length: 9 }, (_, index) => `j${index}`);
    const inner = names.map((name, index): [string, Record<string, { job?: string }>] => {
      const next = names[index + 1];
      return [name, { a: next === undefined ? {} : { job: next }, b: next === undefined ? {} : { job: next } }];
    });
    const view = graphOf(planOfSteps({ top: { job: 'j0' } }, Object.fromEntries(inner)), { first: 200, depth: 8 });
    expect(view.nodes.length).toBeLessThanOrEqual(200);
    expect(view.nodes.length).toBeGreaterThan(120);
    expect(view.foldedSteps).toBe(0);
  });
});

test('without the edges that others imply, the same nodes are reached from each node', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const { edges } = graphOf(planOfSteps(steps), ALL);
      const implied = impliedEdges(edges);
      const rest = edges.filter((_, index) => !implied.has(index));
      expect(reach(rest)).toEqual(reach(edges));
      // And none of what is left could be left out as well.
      for (const edge of rest) expect(reach(rest.filter((one) => one !== edge))).not.toEqual(reach(edges));
    }),
    { numRuns: 30 },
  );
});

/** Pairs of nodes with a way from the first to the second, in order. */
function reach(edges: readonly { readonly from: string; readonly to: string }[]): string[] {
  const pairs = new Set(edges.map(({ from, to }) => `${from} ${to}`));
  for (let size = -1; size !== pairs.size;) {
    size = pairs.size;
    for (const pair of [...pairs]) {
      const [from, middle] = pair.split(' ');
      for (const edge of edges) if (edge.from === middle) pairs.add(`${from} ${edge.to}`);
    }
  }
  return [...pairs].sort();
}
