/** Colours of a drawing, in light and in dark. A state is never told by its colour alone. */
import type { StepRunState } from '../domain/states';

interface Palette {
  readonly page: string;
  readonly card: string;
  /** Of a group: seen through, so that a group in a group is told from it. */
  readonly frame: string;
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly border: string;
  readonly track: string;
  readonly sign: string;
  readonly states: Readonly<Record<StepRunState, string>>;
}

const LIGHT: Palette = {
  page: '#f6f7f9',
  card: '#ffffff',
  frame: '#5a6b8414',
  text: '#1b2230',
  faint: '#5b6575',
  line: '#98a2b3',
  border: '#d3d9e2',
  track: '#e4e8ee',
  sign: '#ffffff',
  states: {
    PENDING: '#6b7585',
    QUEUED: '#7a5a00',
    RUNNING: '#1663c7',
    RETRYING: '#a84300',
    SUCCEEDED: '#1a7f3c',
    FAILED: '#c4232f',
    SKIPPED: '#6b7585',
    CANCELLED: '#7d4a9e',
  },
};

const DARK: Palette = {
  page: '#14181f',
  card: '#1e242e',
  frame: '#9fb4d814',
  text: '#e8ecf3',
  faint: '#a3adbd',
  line: '#66707f',
  border: '#384150',
  track: '#333b48',
  sign: '#14181f',
  states: {
    PENDING: '#98a3b3',
    QUEUED: '#e3b341',
    RUNNING: '#6cb0ff',
    RETRYING: '#ff9e64',
    SUCCEEDED: '#56c271',
    FAILED: '#ff7b80',
    SKIPPED: '#98a3b3',
    CANCELLED: '#c99bea',
  },
};

/** The class of everything that has the colour of a state. */
export function stateClass(state: StepRunState): string {
  return `s-${state.toLowerCase()}`;
}

/** The rules of both palettes. Each begins with the class of the drawing: set into a page, it changes nothing else. */
export function styleSheet(drawing: string): string {
  const font = 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif';
  return [
    `.${drawing}{font-family:${font}}`,
    ...rulesOf(drawing, LIGHT),
    `@media (prefers-color-scheme:dark){${rulesOf(drawing, DARK).join('')}}`,
  ].join('\n');
}

function rulesOf(drawing: string, palette: Palette): string[] {
  const rules: Readonly<Record<string, string>> = {
    '.page': `fill:${palette.page}`,
    '.card': `fill:${palette.card};stroke:${palette.border}`,
    '.frame': `fill:${palette.frame};stroke:${palette.border}`,
    '.name': `fill:${palette.text}`,
    '.detail': `fill:${palette.faint}`,
    '.label': `fill:${palette.faint};stroke:${palette.page};stroke-width:4px;stroke-linejoin:round;paint-order:stroke`,
    '.line': `fill:none;stroke:${palette.line}`,
    '.tip': `fill:${palette.line}`,
    '.track': `fill:${palette.track}`,
    '.sign': `fill:none;stroke:${palette.sign}`,
    '.dot': `fill:${palette.sign}`,
    ...Object.fromEntries(
      Object.entries(palette.states).flatMap(([state, colour]) => {
        const name = stateClass(state as StepRunState);
        return [
          [`.fill.${name}`, `fill:${colour}`],
          [`.ring.${name}`, `stroke:${colour}`],
          [`.word.${name}`, `fill:${colour}`],
        ];
      }),
    ),
  };
  return Object.entries(rules).map(([selector, rule]) => `.${drawing} ${selector}{${rule}}`);
}
