/** A way to an engine that can be closed for a while: for those who ask there the engine is gone, and nobody else is disturbed. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Of this machine, and not one from which connections go out: those could take the port while nobody listens there. */
const HOST = '127.0.0.2';

export interface Way {
  /** Host and port, the same each time it is open. */
  address(): string;
  open(): Promise<void>;
  close(): Promise<void>;
}

export function wayTo(host: string, port: number): Way {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  let here = 0;
  return {
    address: () => `${HOST}:${here}`,
    open: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(here, HOST, () => {
          here = (server.address() as AddressInfo).port;
          resolve();
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
