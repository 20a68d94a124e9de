import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backendOf, problemsOf, taskOf } from '../backends/written';

const problem = (request: string, rest = ''): string => problemsOf(`task: t\nrequest: ${request}\n${rest}`).join('\n');
const backendProblem = (text: string): string => problemsOf(`backend: b\nkind: http\n${text}`).join('\n');

describe('the page of HTTP', () => {
  it('has examples that can be used as they stand', () => {
    const page = readFileSync(join(__dirname, '../../docs/backends/http.md'), 'utf8');
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
    expect(blocks.length).toBeGreaterThan(1);
    expect(problemsOf(blocks.join('\n---\n'))).toEqual([]);
  });
});

describe('a request', () => {
  it('can be one line, and a POST when it has a body', () => {
    const { command } = taskOf('request: GET /models/${model}/x y\ninputs: { model: string }'.replace(' y', ''));
    expect(command).toMatchObject({
      kind: 'request',
      request: {
        method: 'GET',
        path: [{ text: '/models/' }, { kind: 'value', name: 'model' }, { text: '/x' }],
        expect: [{ from: 200, to: 299 }],
      },
    });
    expect(taskOf('request: { url: "HTTPS://Example.org:443/a b/%20ü", body: { text: hi } }').command).toMatchObject({
      request: { method: 'POST', origin: 'https://example.org', path: [{ text: '/a%20b/%20%C3%BC' }] },
    });
  });

  it.each([
    ['GET ${host}/x', 'inputs: { host: string }', "'url' is not a whole URL with a constant host"],
    ['{ url: "https://${host}/x" }', 'inputs: { host: string }', "'url' is not a whole URL with a constant host"],
    ['{ url: "https://user:word@example.org/" }', '', "'url' is not a whole URL with a constant host"],
    ['{ url: "ftp://example.org/" }', '', "'url' is not a whole URL with a constant host"],
    ['{ path: "//example.org/x", url: "https://example.org" }', '', "'path' and 'url' are both given"],
    ['{ method: GET }', '', "'path' is missing"],
    ['GET /x?a=b', '', 'it has a query or fragment'],
    ['GET /x/${nobody}', '', 'unknown macro $nobody'],
    ['{ path: /x, method: GET, body: { text: hi } }', '', 'GET has no body'],
    ['{ path: /x, body: { text: hi, json: 1 } }', '', 'a body is one thing'],
    ['{ path: /x, body: { file: text } }', 'inputs: { text: string }', "'text' is no input of type File"],
    ['{ path: /x, body: { json: { a: "${f}" } } }', 'inputs: { f: File }', "'f' is File, and its content does not fit"],
    ['{ path: /x, body: { multipart: { a: "<${f}>" } } }', 'inputs: { f: File }', 'its content does not fit here'],
    ['{ path: "/x/${f}" }', 'inputs: { f: "File[]" }', 'its content does not fit here'],
    ['{ path: /x, expect: 2yy }', '', 'is no status'],
    ['{ path: /x, headers: { Host: other } }', '', 'the header Host is set by Stepcast itself'],
    ['{ path: /x, headers: { "X Y": z } }', '', 'is not the name of a header'],
    ['{ path: /x, response: { a: /b } }', '', "'a' is no output"],
    ['{ path: /x, response: { a: b } }', 'outputs: { a: { type: int } }', 'is not a JSON pointer'],
    ['{ path: /x, response: { a: { file: "../b" } } }', 'outputs: { a: { type: File } }', 'is not the name of a file'],
    ['GET /x', 'outputs: { a: "*.txt" }', "'a' is to come from a file or stream"],
    ['GET /x', 'stdout: "*.txt"', "'stdout' and 'request' are both given"],
    ['GET /x', 'command: "true"', "'command' and 'request' are given"],
  ])('says what is wrong with %s', (request, rest, expected) => {
    expect(problem(request, rest)).toContain(expected);
  });
});

describe('a backend of kind HTTP', () => {
  it('holds the names of secrets, not the secrets', () => {
    const { options } = backendOf('kind: http\nbase-url: https://example.org/v1/\nheaders: { X-Key: { env: KEY } }');
    expect(options).toMatchObject({
      baseUrl: 'https://example.org/v1',
      headers: { 'X-Key': { env: 'KEY', prefix: '' } },
      allowInternal: [],
    });
  });

  it.each([
    ['base-url: example.org', 'is not the URL of a service'],
    ['base-url: https://user:word@example.org', 'holds a user or password'],
    ['base-url: https://example.org/?a=b', 'has a query or fragment'],
    ['headers: { A: b }', 'headers and query go to base-url alone'],
    ['base-url: https://example.org\nheaders: { A: { env: DATABASE_URL } }', 'DATABASE_URL belongs to Stepcast itself'],
    ['base-url: https://example.org\nheaders: { A: { env: STEPCAST_SECRET } }', 'belongs to Stepcast itself'],
    ['allow-internal: ["10.0.0.0/8 or so"]', 'is neither a host name nor an address nor a network'],
  ])('says what is wrong with %s', (text, expected) => {
    expect(backendProblem(text)).toContain(expected);
  });
});
