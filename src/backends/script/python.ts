/** Python, from 3.8 on. */
import type { Language } from './language';

export const PYTHON: Language = {
  title: 'Python',
  extension: '.py',
  sourceName: (name) => name,
  sourceText: (source) => source,
  interpreters: ['python3', 'python'],
  install: 'apt-get install python3, or name another by `interpreter` or `venv`',
  versionArguments: ['--version'],
  version: (printed) => /^Python (\S+)/.exec(printed)?.[1],
  libraryVariable: 'PYTHONPATH',
  driver: 'python.py',
  arguments: (driver, request, preload) => ['-u', driver, ...(request === null ? ['--wait', ...preload] : [request])],
  encode: (request) => JSON.stringify(request),
};
