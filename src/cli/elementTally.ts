/** Elements of scatters, counted as they end: a line for each of many thousand would say less. */
import { isFinal, type SubmissionEvent } from './client/submissions';

/** How many elements of one scatter have ended. */
export interface Tally {
  /** The scatter's name, such as `measure` or `align/measure`. */
  readonly step: string;
  readonly done: number;
  readonly failed: number;
}

/** Counts events of elements: null for what is no element's end, but a part of one. Undefined for all other events. */
export type ElementCounter = (event: SubmissionEvent) => Tally | null | undefined;

export function elementCounter(): ElementCounter {
  const tallies = new Map<string, Tally>();
  return ({ type, state, stepName }) => {
    const [, step, inner] = /^([^[]+)\[\d+\](.*)$/.exec(stepName ?? '') ?? [];
    if (step === undefined) return undefined;
    if (inner !== '' || type !== 'STEP_STATE' || !isFinal(state)) return null;
    const { done, failed } = tallies.get(step) ?? { done: 0, failed: 0 };
    const tally = { step, done: done + 1, failed: failed + (state === 'FAILED' ? 1 : 0) };
    tallies.set(step, tally);
    return tally;
  };
}

/** `12 done, 1 failed`. */
export function tallyText({ done, failed }: Tally): string {
  return `${done} done${failed > 0 ? `, ${failed} failed` : ''}`;
}

/** Worth a line of its own: 1, 2, 5, 10, 20, 50 … so that lines grow with the digits of a number. */
export function isRound(count: number): boolean {
  return /^[125]0*$/.test(String(count));
}
