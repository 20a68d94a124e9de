import { scalar } from '../../../src/domain/values';
import { conformance } from '../conformance/suite';
import { COPY_PORTS, type Programs } from '../conformance/programs';
import { inputPort, outputPort } from '../support';
import { query, result, sqlBackend } from '../query/support';

const copyOf = (port: string, name: string): string =>
  `copy (select content from read_blob($${port})) to '${name}' (format blob);`;

const programs: Programs = {
  copy: () =>
    query(
      `${copyOf('text', 'copy.txt')}
       select {'who': $who, 'lines': len(content) - len(replace(content, chr(10), ''))} as facts from read_text($text)`,
      { ...COPY_PORTS, outputs: [outputPort('copy', { glob: 'copy.txt' }), result('facts', scalar('Any'))] },
    ),
  carry: () => query(copyOf('data', 'big'), { inputs: [inputPort('data')], outputs: [outputPort('big')] }),
  rename: (name) =>
    query(`${copyOf('text', name)} select parse_filename($text)`, {
      inputs: [inputPort('text')],
      outputs: [outputPort('named', { glob: '*result*', path: '' })],
    }),
  partial: () => 'a query fails with exit code 1, see its own tests',
  say: () => 'a query has its result to say, see its own tests',
  hang: () => 'a query starts no processes; its own tests cancel it',
  progress: () => 'the engine tells its progress, see its own tests',
  exit: () => 'a query fails with exit code 1',
  environment: () => 'a query reads no environment',
  wait: () => 'a query does not sleep; its own tests kill its worker',
};

describe('SQL', () => {
  conformance({
    spec: () => sqlBackend(),
    programs,
    cancelSeconds: 5,
    survivesWorker: false,
    refused: { task: () => query('select $nobody'), message: /no parameter or input/ },
  });
});
