import fc from 'fast-check';
import { STEP_RUN_STATES, type StepRunState } from '../../src/domain/states';
import { runsByPart } from '../../src/domain/graphRuns';
import { graphOf, MAX_GRAPH_NODES, type GraphView } from '../../src/domain/graphView';
import { drawGraph, prepareDrawing, type Drawing, type DrawnRun } from '../../src/drawing/drawGraph';
import type { Box } from '../../src/drawing/geometry';
import { anySteps, planOfSteps } from '../domain/plans';
import { parseXml, textOf } from './xml';

const viewOf = (...steps: Parameters<typeof planOfSteps>): GraphView => graphOf(planOfSteps(...steps), ALL);

const ALL = { first: 100, depth: 8 };

const diamond = viewOf({
  fetch: {},
  left: { in: { text: 'fetch.out' } },
  right: { in: { text: 'fetch.out' } },
  join: { in: { a: 'left.out', b: 'right.out' } },
  clean: { after: ['join'] },
});

function runOf(
  view: GraphView,
  states: Readonly<Record<string, Partial<Record<StepRunState, number>>>>,
  label = '',
): DrawnRun {
  const rows = Object.entries(states).flatMap(([step, counts]) =>
    Object.entries(counts).map(([state, count]) => ({
      step,
      element: false,
      unexpanded: 0,
      state: state as StepRunState,
      count,
      stepRunId: '1',
      percent: 42,
      startedAt: 0,
      finishedAt: 65_000,
    })),
  );
  return { state: 'RUNNING', label, parts: runsByPart(view, rows) };
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** What must hold of every drawing. */
function expectSound({ view, layout }: Drawing, svg: string): void {
  const { nodes, groups } = layout;
  expect(nodes.map(({ part }) => part.id).sort()).toEqual(view.nodes.map(({ id }) => id).sort());
  expect(groups.map(({ part }) => part.id).sort()).toEqual(view.groups.map(({ id }) => id).sort());
  const size = ['width', 'height'].map((name) => Number(new RegExp(`${name}="([\\d.]+)"`).exec(svg)?.[1]));
  const page = { x: 0, y: 0, width: size[0] ?? 0, height: size[1] ?? 0 };
  const boxes = new Map([...nodes, ...groups].map(({ part, box }) => [part.id, box]));
  const all = [...nodes, ...groups];
  all.forEach(({ part, box }, index) => {
    expect(holds(part.group === null ? page : boxes.get(part.group), box)).toBe(true);
    for (const other of all.slice(index + 1))
      if (other.part.group === part.group) expect(overlap(box, other.box)).toBe(false);
  });
  for (const { edge, points } of layout.edges) {
    const [start, end] = [boxes.get(edge.from), boxes.get(edge.to)];
    expect([touches(start, points[0]), touches(end, points.at(-1))]).toEqual([true, true]);
  }
}

function holds(outer: Box | undefined, inner: Box): boolean {
  if (!outer) return false;
  const rounding = 0.1;
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width + rounding &&
    inner.y + inner.height <= outer.y + outer.height + rounding
  );
}

/** Whether the point lies on the border of the box. */
function touches(box: Box | undefined, point: { x: number; y: number } | undefined): boolean {
  if (!box || !point) return false;
  const near = (a: number, b: number): boolean => Math.abs(a - b) < 0.6;
  const inside = overlap(box, { x: point.x - 0.5, y: point.y - 0.5, width: 1, height: 1 });
  const sides = [near(point.x, box.x), near(point.x, box.x + box.width)];
  return inside && [...sides, near(point.y, box.y), near(point.y, box.y + box.height)].some(Boolean);
}

describe('a drawing', () => {
  it('shows each node once with its name, its task and nothing of a run', () => {
    const texts = textOf(parseXml(drawGraph(prepareDrawing(diamond), null)), 'text');
    for (const { label } of diamond.nodes) expect(texts.filter((text) => text === label)).toHaveLength(1);
    expect(texts.filter((text) => text === 'work')).toHaveLength(5);
    expect(texts.join(' ')).not.toMatch(/pending|running/);
  });

  it('tells the ports on the edges', () => {
    const texts = textOf(parseXml(drawGraph(prepareDrawing(diamond), null)), 'text');
    expect(texts.filter((text) => text === 'out → text')).toHaveLength(2);
    expect(texts).toContain('out → b');
  });

  it.each(STEP_RUN_STATES)('tells the state %s in a word, by a sign of its own, and for readers of text', (state) => {
    const view = viewOf({ only: {} });
    const xml = parseXml(drawGraph(prepareDrawing(view), runOf(view, { only: { [state]: 1 } })));
    expect(textOf(xml, 'text').join(' ')).toContain(state.toLowerCase());
    expect(textOf(xml, 'desc').join(' ')).toContain(`only (work): ${state.toLowerCase()}`);
    const signs = STEP_RUN_STATES.map((one) => {
      const svg = drawGraph(prepareDrawing(view), runOf(view, { only: { [one]: 1 } }));
      return /<circle class="fill s-\w+" r="9"\/>(.*?)<\/g>/.exec(svg)?.[1];
    });
    expect(new Set(signs).size).toBe(STEP_RUN_STATES.length);
  });

  it('shows a nested job as a frame around its steps, and a scatter as one node with numbers and a bar', () => {
    const view = viewOf(
      {
        split: {},
        each: { job: 'inner', in: { x: 'split.out' }, scatter: ['x'] },
        count: { in: { x: 'split.out' }, scatter: ['x'] },
      },
      { inner: { first: {}, second: { after: ['first'] } } },
    );
    const drawing = prepareDrawing(view);
    const rows = [
      { step: 'count', element: false, state: 'RUNNING', count: 1, unexpanded: 60 },
      { step: 'count', element: true, state: 'SUCCEEDED', count: 30, unexpanded: 0 },
      { step: 'count', element: true, state: 'FAILED', count: 10, unexpanded: 0 },
    ] as const;
    const told = { stepRunId: '1', percent: null, startedAt: 0, finishedAt: null };
    const parts = runsByPart(
      view,
      rows.map((row) => ({ ...row, ...told })),
    );
    const svg = drawGraph(drawing, { state: 'RUNNING', label: '', parts });
    expectSound(drawing, svg);
    expect(textOf(parseXml(svg), 'text')).toEqual(
      expect.arrayContaining(['each', 'first', 'second', '40 of 100 ended · 10 failed']),
    );
    expect(svg.match(/class="frame/g)).toHaveLength(1);
    const widths = [...svg.matchAll(/<rect class="(track|fill s-\w+)" [^>]*width="([\d.]+)"/g)];
    const [track, done, failed] = widths.map(([, , width]) => Number(width));
    expect(widths.map(([, kind]) => kind)).toEqual(['track', 'fill s-succeeded', 'fill s-failed']);
    expect([(done ?? 0) / (track ?? 1), (failed ?? 0) / (track ?? 1)].map((share) => Math.round(share * 100))).toEqual([
      30, 10,
    ]);
    expect(textOf(parseXml(drawGraph(drawing, null)), 'text')).toContain('inner · for each x');
  });

  it('tells progress, how long what ended took, and how many of many have ended', () => {
    const view = viewOf({ a: {}, b: {}, c: {}, d: {} });
    const run = runOf(view, {
      a: { RUNNING: 1 },
      b: { SUCCEEDED: 1 },
      c: { SUCCEEDED: 20, FAILED: 5, RUNNING: 10, PENDING: 65 },
      d: { SUCCEEDED: 300 },
    });
    const [texts = ''] = textOf(parseXml(drawGraph(prepareDrawing(view), run)), 'desc');
    for (const part of ['running · 42 %', 'succeeded · 1 min 5 s', '25 of 100 ended · 5 failed', 'all 300 succeeded'])
      expect(texts).toContain(part);
  });

  it('does not move while states change', () => {
    const drawing = prepareDrawing(diamond);
    const places = (states: Parameters<typeof runOf>[1]): (string | undefined)[] =>
      [
        ...drawGraph(drawing, runOf(diamond, states)).matchAll(/<rect class="card[^"]*" (x="[^>]*?height="[^"]*")/g),
      ].map(([, place]) => place);
    const before = places({});
    expect(before).toHaveLength(5);
    expect(places({ fetch: { SUCCEEDED: 1 }, left: { FAILED: 10, RUNNING: 5000 }, join: { CANCELLED: 1 } })).toEqual(
      before,
    );
  });

  it('keeps what people wrote from being read as anything but text', () => {
    const hostile = `</text><script>alert(1)</script><image href="http://evil.example/"/>&amp;"'\u202e\u0000\ud800`;
    const view: GraphView = {
      ...diamond,
      title: hostile,
      nodes: diamond.nodes.map((node) => ({ ...node, label: hostile, runs: hostile })),
    };
    const svg = drawGraph(prepareDrawing(view), runOf(view, { left: { RUNNING: 1 } }, hostile));
    const xml = parseXml(svg);
    expect(textOf(xml, 'script')).toEqual([]);
    expect(textOf(xml, 'image')).toEqual([]);
    expect(textOf(xml, 'title')[0]).toBe(
      `${hostile.replace(/[\u202e\u0000\ud800]/g, '\ufffd')} · ${hostile.replace(/[\u202e\u0000\ud800]/g, '\ufffd')}: running`,
    );
    expect(svg).not.toMatch(/<script|<image|\u202e|\u0000/);
  });

  it('has no script, no reference to anything, and both a light and a dark look', () => {
    const svg = drawGraph(prepareDrawing(diamond), runOf(diamond, { left: { FAILED: 3, RUNNING: 2 } }));
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /script|href|url\(|@import|http|\son\w+=/i,
    );
    expect(svg).toContain('@media (prefers-color-scheme:dark)');
    expect(svg).toMatch(/^<svg [^>]*role="img"[^>]*>\n<title>/);
  });

  it('is sound for any graph and any names, and well-formed XML', () => {
    const name = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 60 }));
    fc.assert(
      fc.property(anySteps, anySteps, fc.array(name, { minLength: 1, maxLength: 5 }), (steps, inner, names) => {
        const nested = {
          ...steps,
          s0: { ...steps['s0'], job: 'inner', in: {} },
          s3: { ...steps['s3'], job: 'inner', in: {} },
        };
        const plain = viewOf(nested, { inner });
        const view = {
          ...plain,
          nodes: plain.nodes.map((node, index) => ({ ...node, label: names[index % names.length] ?? '' })),
        };
        const drawing = prepareDrawing(view);
        const svg = drawGraph(drawing, runOf(view, { s0: { RUNNING: 1 } }, names[0]));
        parseXml(svg);
        expectSound(drawing, svg);
      }),
      { numRuns: 60 },
    );
  });

  it('of the largest graph is of bounded size, and says what it leaves out', () => {
    const names = Array.from({ length: 500 }, (_, index) => `a-step-with-a-rather-long-name-${index}`);
    const steps = Object.fromEntries(names.map((one, index) => [one, { after: names.slice(index % 20, index) }]));
    const drawing = prepareDrawing(graphOf(planOfSteps(steps), { first: MAX_GRAPH_NODES, depth: 1 }));
    const svg = drawGraph(drawing, null);
    expectSound(drawing, svg);
    expect(Buffer.byteLength(svg)).toBeLessThan(400_000);
    expect(textOf(parseXml(svg), 'text').join('\n')).toMatch(
      /301 steps are folded into one box\.\n\d+ links are not drawn/,
    );
  });
});
