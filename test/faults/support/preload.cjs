// Loaded by `node --require` into an API or a worker of the fault suite: on a message from the tests, this process'
// clock jumps, or its event loop stands still. The clock that jumps is the one JavaScript sees; timers go by another one
// in Node, with this and with a real jump alike.
'use strict';

const RealDate = Date;
const realNow = Date.now.bind(Date);
let shiftMs = 0;

RealDate.now = () => realNow() + shiftMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now()] : args, newTarget),
  apply: () => new RealDate(RealDate.now()).toString(),
});

const still = new Int32Array(new SharedArrayBuffer(4));

process.on('message', ({ clock, block }) => {
  const from = performance.now();
  if (clock !== undefined) shiftMs = clock;
  if (block !== undefined) Atomics.wait(still, 0, 0, block);
  process.send({ now: Date.now(), blockedMs: performance.now() - from });
});
