import type { TestEngine } from '../engine/support';
import type { Told } from './interpreter';

/** Of a submission that succeeded: its outputs and the state of each of its steps are what was told. */
export async function expectAsTold(engine: TestEngine, id: string, told: Told): Promise<void> {
  expect((await engine.submission(id)).outputs).toEqual(told.outputs);
  const steps = Object.values(await engine.steps(id));
  expect(Object.fromEntries(steps.map(({ name, state }) => [name, state]))).toEqual(Object.fromEntries(told.states));
}

/** Of a submission that is at rest: no step is open or awaits the planner, and its events have no gap. */
export async function expectAtRest(engine: TestEngine, id: string): Promise<void> {
  const open = await engine.rows(
    `select name, state, due_at from step_run where submission_id = $1
     and (state not in ('SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED') or due_at is not null)`,
    [id],
  );
  expect(open).toEqual([]);
  const events = await engine.events(id);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
}
