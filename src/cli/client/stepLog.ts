import { z } from 'zod';
import type { Api } from './api';
import { resumed } from './resume';
import { isFinal, type FollowOptions } from './submissions';

const Piece = z.object({ text: z.string(), base64: z.string(), nextOffset: z.number(), stream: z.string() });
/** A piece of a log; `nextOffset` in bytes. */
export type LogPiece = z.infer<typeof Piece>;

const LOG = `subscription ($id: ID!, $after: Float) {
  stepLog(stepRunId: $id, after: $after) { text base64 nextOffset stream }
}`;
/** A line without an end must not fill the memory. */
const MAX_LINE_CHARACTERS = 2_000;

/** The log of a step from its first byte until the step ends. */
export function followLog(api: Api, stepRunId: string, options: FollowOptions = {}): AsyncGenerator<LogPiece> {
  return resumed(api, {
    ...options,
    query: LOG,
    data: z.object({ stepLog: Piece }),
    itemOf: ({ stepLog }) => stepLog,
    variables: (last) => ({ id: stepRunId, after: last?.nextOffset ?? 0 }),
    isOver: async () => isFinal(await stateOf(api, stepRunId)),
  });
}

async function stateOf(api: Api, id: string): Promise<string> {
  const data = z.object({ stepRun: z.object({ state: z.string() }) });
  return (await api.call(data, 'query ($id: ID!) { stepRun(id: $id) { state } }', { id })).stepRun.state;
}

/** The last lines that a step has written. */
export async function logTail(api: Api, stepRunId: string, lines: number): Promise<string[]> {
  const tail: string[] = [];
  let open = '';
  for await (const { text } of followLog(api, stepRunId)) {
    const parts = (open + text).split('\n');
    open = (parts.pop() ?? '').slice(-MAX_LINE_CHARACTERS);
    tail.push(...parts.slice(-lines));
    tail.splice(0, Math.max(0, tail.length - lines));
  }
  if (open !== '') tail.push(open);
  return tail.slice(-lines);
}
