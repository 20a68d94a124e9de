/** The mark of a state: a disc in its colour with a sign that tells it without colour. */
import type { StepRunState } from '../domain/states';
import { stateClass } from './colours';
import type { Point } from './geometry';
import { coordinate } from './text';

export const MARK_RADIUS = 9;

/** Drawn around 0,0, within a disc of MARK_RADIUS. */
const SIGNS: Readonly<Record<StepRunState, string>> = {
  PENDING: '<circle class="dot" r="2"/>',
  QUEUED: '<path class="sign" d="M0 -4.5V0L3.2 2.2"/>',
  RUNNING: '<path class="dot" d="M-2.8 -4.5L4.6 0L-2.8 4.5Z"/>',
  RETRYING: '<path class="sign" d="M4 -2.5A4.6 4.6 0 1 0 4.5 1.6"/><path class="dot" d="M5.6 -5.4L5.4 -0.6L1 -2.4Z"/>',
  SUCCEEDED: '<path class="sign" d="M-4.2 0.4L-1.3 3.4L4.2 -3"/>',
  FAILED: '<path class="sign" d="M-3.4 -3.4L3.4 3.4M3.4 -3.4L-3.4 3.4"/>',
  SKIPPED: '<path class="sign" d="M-4.6 -3.4L-1 0L-4.6 3.4M0.6 -3.4L4.2 0L0.6 3.4"/>',
  CANCELLED: '<path class="sign" d="M-4.2 0H4.2"/>',
};

export function stateMark(state: StepRunState, { x, y }: Point): string {
  const disc = `<circle class="fill ${stateClass(state)}" r="${MARK_RADIUS}"/>`;
  return `<g transform="translate(${coordinate(x)} ${coordinate(y)})" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">${disc}${SIGNS[state]}</g>`;
}
