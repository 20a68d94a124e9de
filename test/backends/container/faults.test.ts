/** What a real engine cannot be made to do, by one that is broken in exactly that way. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectEngine, type EngineApi } from '../../../src/backends/container/api';
import { createImageKeeper } from '../../../src/backends/container/image';
import { sweepContainers } from '../../../src/backends/container/sweep';

let folder: string;
let server: Server;
let api: EngineApi;
let answer: RequestListener;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stepcast-broken-'));
  const path = join(folder, 'engine.sock');
  server = createServer((request, response) => answer(request, response));
  server.listen(path);
  await once(server, 'listening');
  api = await connectEngine({ kind: 'socket', path, text: `unix://${path}` });
});
afterEach(() => {
  api.close();
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

test('an engine that begins its answer and never ends it is given up', async () => {
  answer = (_, response) => void response.writeHead(200).write('{');
  await expect(api.call('GET', '/info', { timeoutMs: 200 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  answer = () => {};
  await expect(api.call('GET', '/info', { timeoutMs: 200 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('a pull of which nothing is heard any more is given up, and tried again', async () => {
  answer = ({ url = '' }, response) => {
    if (url.startsWith('/images/create')) response.writeHead(200).write('{"status":"Pulling"}\n');
    else response.writeHead(404).end('{"message":"no such image"}');
  };
  const images = createImageKeeper(api, { pull: 'missing' }, 300);
  const provided = images.provide('debian:12', { note: () => {}, checkpoint: () => {} });
  await expect(provided).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('the engine has said nothing of it') as string,
  });
});

test('a container that cannot be removed is told, and does not keep the others', async () => {
  const labels = (name: string) => ({ 'stepcast.host': hostname(), 'stepcast.directory': join(folder, name) });
  mkdirSync(join(folder, 'alive'));
  const removed: string[] = [];
  answer = ({ url = '', method }, response) => {
    if (method === 'GET')
      return void response.end(
        JSON.stringify(['stuck', 'alive', 'gone'].map((name) => ({ Id: name, Labels: labels(name) }))),
      );
    removed.push(/containers\/(\w+)/.exec(url)?.[1] ?? '');
    if (url.includes('stuck')) response.writeHead(500).end('{"message":"device or resource busy"}');
    else response.writeHead(204).end();
  };
  const log: string[] = [];
  expect(await sweepContainers(api, folder, (message) => void log.push(message))).toBe(1);
  expect(removed).toEqual(['stuck', 'gone']);
  expect(log.join()).toContain('device or resource busy');
});
