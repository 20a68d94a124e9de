import { unsuitable } from '../../src/engine/suitability';
import type { BackendSpec } from '../../src/domain/definitions';
import { backendOf, taskOf } from '../backends/written';

const place = { source: 'file:a.yaml', kind: 'TASK' as const, name: 't' };
const told = (backend: BackendSpec, task: string): string[] =>
  unsuitable(backend, taskOf(task), place).map(({ message }) => message);

it('a task whose command its backend cannot run is told so', () => {
  const service = backendOf('kind: http');
  expect(told(service, 'command: sort')).toEqual(['backend "b" is of kind HTTP and runs no command']);
  expect(told(backendOf('kind: local'), 'request: GET https://example.org')).toEqual([
    'backend "b" is of kind LOCAL and runs no request',
  ]);
});

it('a request with a path alone needs a backend with a base-url', () => {
  const path = 'request: GET /x';
  expect(told(backendOf('kind: http'), path)).toEqual([
    'the request has a path alone, and backend "b" has no base-url',
  ]);
  expect(told(backendOf('kind: http\nbase-url: https://example.org'), path)).toEqual([]);
  expect(told(backendOf('kind: http'), 'request: GET https://example.org/x')).toEqual([]);
});
