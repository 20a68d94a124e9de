/** MATLAB, by `-batch` (R2019a and later). Never run with MATLAB itself: see docs/backends/scripts.md. */
import type { Language } from './language';
import { asScript, functionName } from './octave';

export const MATLAB: Language = {
  title: 'MATLAB',
  extension: '.m',
  sourceName: functionName,
  sourceText: asScript,
  interpreters: ['matlab'],
  install: 'MathWorks provides it; name its program by `interpreter`, such as /usr/local/MATLAB/R2024b/bin/matlab',
  // Asking would start all of it, and take a licence.
  versionArguments: null,
  version: () => undefined,
  libraryVariable: 'MATLABPATH',
  driver: 'matlab',
  arguments: (driver, request) => ['-batch', `addpath(${text(driver)}); stepcast_run(${text(request ?? '')})`],
  encode: (request) => JSON.stringify(request),
};

const text = (value: string): string => `'${value.replace(/'/g, "''")}'`;
