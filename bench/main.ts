/** `npm run bench [-- NAME …] [-- --quick]`: measures and prints one table. Always exits with 0 once it has measured. */
import { cpus, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { messageOf } from '../src/domain/errors';
import { backends } from './backends';
import { bigFile } from './bigFile';
import { expressions } from './expressions';
import { fanout } from './fanout';
import { latency } from './latency';
import { graphSize } from './graphSize';
import { restart } from './restart';
import { scale } from './scale';
import { startServices, type Row } from './support';
import { throughput } from './throughput';

const BENCHES = [latency, throughput, fanout, restart, bigFile, graphSize, scale, expressions, backends];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean' } } });
  const names = BENCHES.map((bench) => bench.name);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`There is no benchmark ${unknown.join(', ')}; there are: ${names.join(', ')}.`);
    process.exitCode = 2;
    return;
  }
  const chosen = positionals.length === 0 ? BENCHES : BENCHES.filter((bench) => positionals.includes(bench.name));
  const services = await startServices();
  const rows: Row[] = [];
  try {
    for (const bench of chosen) {
      process.stderr.write(`${bench.name} …\n`);
      try {
        rows.push(...(await bench.run({ services, quick: values.quick ?? false })));
      } catch (error) {
        rows.push({ what: bench.name, figure: 'failed', reach: '', met: false, detail: messageOf(error) });
      }
    }
  } finally {
    await services.stop();
  }
  const gibibytes = (totalmem() / 1024 ** 3).toFixed(0);
  console.log(
    `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${gibibytes} GiB, Linux ${release()}`,
  );
  console.log(`Node ${process.version}, ${services.described}${values.quick ? ', quick run' : ''}`);
  console.table(
    Object.fromEntries(
      rows.map(({ what, figure, reach, met, detail }) => [
        what,
        { figure, reach, met: met === null ? '' : met ? 'yes' : 'NO', detail },
      ]),
    ),
  );
}

void main();
