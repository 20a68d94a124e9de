// @ts-check
/**
 * A sandbox thread: answers one request at a time. It is plain JavaScript, so that a thread starts from it as it stands,
 * from the sources and from the build.
 */
import { parentPort } from 'node:worker_threads';
import { check, evaluate } from './engine.mjs';

/** @import { Reply, Request } from '../messages.js' with { 'resolution-mode': 'require' } */

/** How long one request may keep the thread from the others. */
const TURN_MS = 500;

const port = parentPort;
if (!port) throw new Error('This file is started as a thread.');

/** @param {Reply} reply */
const reply = (reply) => port.postMessage(reply);

/** @param {Request} request */
async function answer(request) {
  reply({ kind: 'started' });
  if (request.kind === 'check') reply({ kind: 'checked', problem: await check(request.script, request.limits) });
  else await evaluateEach(request);
  reply({ kind: 'ended' });
}

/** @param {Extract<Request, { kind: 'evaluate' }>} request */
async function evaluateEach({ script, contexts, maxTimeouts, limits }) {
  const end = performance.now() + TURN_MS;
  let timeouts = 0;
  for (const context of contexts) {
    const outcome = await evaluate(script, context, limits);
    reply({ kind: 'outcome', outcome });
    if (outcome.kind === 'time') timeouts += 1;
    if (timeouts >= maxTimeouts || performance.now() > end) return;
  }
}

port.on('message', answer);
