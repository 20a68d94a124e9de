import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { conformance } from '../conformance/suite';
import type { Programs } from '../conformance/programs';
import { backendOf, taskOf } from '../written';

const NO_PROCESS = 'a call starts no process';
const programs: Programs = {
  copy: () =>
    taskOf(`
request:
  path: /copy
  query: { who: "\${who}" }
  body: { file: text }
  response: { copy: file, name: { header: X-Who }, lines: { header: X-Lines } }
inputs: { text: File }
parameters: { who: { type: string } }
outputs: { copy: { type: File }, name: { type: string }, lines: { type: int } }`),
  carry: () =>
    taskOf(`request: { path: /carry, body: { file: data } }\ninputs: { data: File }\noutputs: { big: { type: File } }`),
  rename: () => 'it sends what is in a File; names are sent in forms, see its own tests',
  say: () => 'a call has its answer to give, and no streams',
  progress: () => 'a service tells no progress',
  exit: () => 'the exit code is read from the status, see its own tests',
  partial: () => 'an answer that is not expected gives no outputs',
  environment: () => NO_PROCESS,
  hang: () => `${NO_PROCESS}; its own tests cancel it`,
  wait: () => `${NO_PROCESS}; it ends with its worker`,
};

const answer: RequestListener = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://service');
  response.setHeader('Server', 'copier/1.2');
  if (pathname === '/carry') {
    request.pipe(response);
  } else if (pathname === '/copy') {
    void text(request).then((sent) => {
      response.setHeader('X-Who', searchParams.get('who') ?? '');
      response.setHeader('X-Lines', sent.split('\n').length - 1).end(sent);
    });
  } else {
    response.writeHead(request.method === 'HEAD' ? 200 : 400).end('nothing of that kind');
  }
};

describe('HTTP', () => {
  let server: Server;
  let port = 0;
  const start = async (): Promise<void> => {
    server = createServer(answer).listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  beforeAll(start);
  afterAll(stop);

  const spec = (at = port) => backendOf(`kind: http\nbase-url: http://127.0.0.1:${at}\nallow-internal: [127.0.0.1]`);
  conformance({
    spec: () => spec(),
    programs,
    facts: ({ name, lines }) => ({ who: name, lines }),
    cancelSeconds: 5,
    survivesWorker: false,
    engine: { stop, start },
    // Nothing listens at the port for TCP's own tests.
    missing: { spec: () => spec(1), message: /cannot be reached/ },
    refused: { task: () => taskOf('request: GET /other'), message: /answered 400.*nothing of that kind/ },
  });
});
