/** What a worker does by itself, beside the processes in its slots: it plans, and runs computed tasks. */
import { planDue } from '../src/engine/planner';
import type { Evaluate } from '../src/engine/planner/compute';
import { createInlineRunner, type InlineOptions } from './inline';
import { repeated } from './repeated';

export interface InsideWork {
  /** Looks for computed tasks and for rows to plan. */
  look(): void;
  /** Looks for rows to plan. */
  plan(): void;
  /** Takes nothing new; resolves when what was taken is recorded. */
  stop(): Promise<void>;
}

export function createInsideWork(
  options: Omit<InlineOptions, 'onTrouble'> & {
    readonly evaluate: Evaluate;
    readonly maxScatter: number;
    readonly trouble: (what: string) => (error: unknown) => void;
  },
): InsideWork {
  const { engine, evaluate, maxScatter, trouble } = options;
  const inline = createInlineRunner({ ...options, onTrouble: trouble('computing steps') });
  const plan = repeated(
    async () => !stopping && (await planDue({ ...engine, evaluate, maxScatter })) > 0,
    trouble('planning'),
  );
  let stopping = false;
  return {
    look: () => {
      if (stopping) return;
      inline.fill();
      plan();
    },
    plan: () => {
      if (!stopping) plan();
    },
    stop: async () => {
      stopping = true;
      await inline.stop();
    },
  };
}
