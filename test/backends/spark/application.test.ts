import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { watchApplication } from '../../../src/backends/spark/application';
import { KEY_PROPERTY } from '../../../src/backends/spark/submitCommand';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers with JSON by path; undefined where the port is taken. */
async function serve(port: number, answer: (path: string) => unknown): Promise<number | undefined> {
  const server = createServer((request, response) => response.end(JSON.stringify(answer(request.url ?? ''))));
  servers.push(server);
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

const driver =
  (key: string) =>
  (path: string): unknown => {
    if (path.endsWith('/environment')) return { sparkProperties: [[KEY_PROPERTY, key]] };
    if (path.endsWith('/jobs')) return [{ status: 'RUNNING', numTasks: 4, numCompletedTasks: 1, numSkippedTasks: 0 }];
    return [{ id: `app-${key}` }];
  };

test("an application is found where its port was taken by others, by the Attempt's key", async () => {
  let port: number | undefined;
  for (;;) {
    port = await serve(0, () => ({ some: 'other service' }));
    if (port === undefined) continue;
    const next = [await serve(port + 1, driver('8.1')), await serve(port + 2, driver('7.1'))];
    if (!next.includes(undefined)) break;
  }
  const found: string[] = [];
  const told = await new Promise<[number, string]>((resolve) => {
    const application = watchApplication({
      ...{ port, key: '7.1' },
      found: (id) => found.push(id),
      progress: (percent, message) => {
        application.end();
        resolve([percent, message]);
      },
    });
  });
  expect(found).toEqual(['app-7.1']);
  expect(told).toEqual([25, '1 of 4 Spark tasks, 0 of 1 jobs']);
});
