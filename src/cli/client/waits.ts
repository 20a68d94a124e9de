import { z } from 'zod';
import type { Api } from './api';

/** Ready steps that are looked at; many that wait mostly wait for the same. */
const MAX_STEPS = 20;
const WAITS = `query ($id: ID!) {
  submission(id: $id) { steps(deep: true, states: [QUEUED], first: ${MAX_STEPS}) { nodes { name waitsFor } } }
}`;
const Data = z.object({
  submission: z.object({
    steps: z.object({ nodes: z.array(z.object({ name: z.string(), waitsFor: z.array(z.string()) })) }),
  }),
});

/** Why ready steps of a submission do not start: each reason once, with the first step that has it. */
export async function readWaits(api: Api, id: string): Promise<ReadonlyMap<string, string>> {
  const { nodes } = (await api.call(Data, WAITS, { id })).submission.steps;
  const reasons = new Map<string, string>();
  for (const { name, waitsFor } of nodes)
    for (const reason of waitsFor) if (!reasons.has(reason)) reasons.set(reason, name);
  return reasons;
}
