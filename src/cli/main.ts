import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { readSettings, SettingsError } from '../config/settings';
import { VARIABLES } from '../config/variables';
import { connect, type Api } from './client/api';
import { CommandError, EXIT, type ExitCode } from './client/commandError';
import { applyFolder } from './commands/apply';
import { kindOf } from './client/submissions';
import { listBackends } from './commands/backends';
import { showBatch } from './commands/batch';
import { cancel } from './commands/cancel';
import { showGraph } from './commands/graph';
import { listJobs } from './commands/jobs';
import { showLogs } from './commands/logs';
import { rerunSubmission } from './commands/rerun';
import { fetchResults } from './commands/results';
import { resumeSubmission } from './commands/resume';
import { listSubmissions, showSubmission } from './commands/status';
import { submitJob } from './commands/submit';
import { submitMatrix, type MatrixRequest } from './commands/submitMatrix';
import { processTerminal } from './terminal';
import { watch } from './watch';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;

/** Options that every command has, and its own. */
interface Given {
  readonly url?: string;
  readonly json?: boolean;
  readonly input: readonly string[];
  readonly matrix: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly watch?: boolean;
  readonly from: readonly string[];
  readonly latest?: boolean;
  readonly priority?: string;
  readonly label?: string;
  readonly idempotencyKey?: string;
  readonly limit: number;
  readonly job?: string;
  readonly follow?: boolean;
  readonly step?: string;
  readonly reuse?: boolean;
  readonly reason?: string;
  readonly output: string;
  readonly force?: boolean;
}

const terminal = processTerminal();
const interrupted = new AbortController();

/** Runs one command; what it returns is the exit code, none is 0. */
type Action = (api: Api, options: Given, argument: string) => Promise<ExitCode | void>;

function program(): Command {
  const root = new Command('stepcast')
    .description('Submits jobs to a Stepcast server, follows them, and fetches their results.')
    .exitOverride()
    .showHelpAfterError('(stepcast --help tells more)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      '\nExit codes: 0 succeeded, 1 failed, 2 wrong usage or refused input, 3 no server, 130 cancelled or Ctrl-C.',
    );
  const command = (usage: string, description: string, action: Action): Command =>
    root
      .command(usage)
      .description(description)
      .option('--url <url>', `server; else STEPCAST_URL, else ${VARIABLES.serverUrl.fallback}`)
      .option('--json', 'write JSON for programs')
      .action(async (...given: unknown[]) => {
        const options = given.at(-2) as Given;
        const argument = typeof given[0] === 'string' ? given[0] : '';
        await run(options, (api) => action(api, options, argument));
      });

  command('submit <job>', 'submit a job; files are uploaded', async (api, options, job) => {
    const request = { job, inputs: options.input, ...submitOptions(options) };
    const { matrix, include, exclude } = options;
    if (matrix.length + include.length + exclude.length > 0)
      return submitAll(api, { ...request, matrix, include, exclude }, options);
    const { id } = await submitJob(api, request);
    if (options.json && !options.watch) terminal.print(JSON.stringify({ id }));
    else if (!options.json) terminal.print(options.watch ? `Submitted ${id}` : id);
    if (!options.watch) return EXIT.ok;
    return watch(id, { api, terminal, json: options.json, signal: interrupted.signal });
  })
    .option('-i, --input <name=value>', 'an input; a file by its path; repeat it for lists', collect, [])
    .option('-m, --matrix <name=a,b>', 'values of an input: the job runs on every combination; repeat it', collect, [])
    .option('--include <name=a,…>', 'one combination more', collect, [])
    .option('--exclude <name=a,…>', 'leave out the combinations that have these values', collect, [])
    .option('-w, --watch', 'follow it to its end')
    .addOption(new Option('--priority <priority>', 'its place among others').choices(['HIGH', 'NORMAL', 'LOW']))
    .option('--no-reuse', 'run every step, whatever equal work was done before')
    .option('--label <text>', 'your own words to find it by')
    .option('--idempotency-key <text>', 'the same key again gives the same submission');
  command('watch <id>', 'follow a submission to its end', (api, { json }, id) =>
    watch(id, { api, terminal, json, signal: interrupted.signal }),
  );
  command('jobs', 'list the jobs that can be submitted', (api, { json }) => listJobs(api, terminal, json === true));
  command('backends', 'show whether the engine of each backend answers; fails when one does not', (api, { json }) =>
    listBackends(api, terminal, json === true),
  );
  command('status [id]', 'show the newest submissions, or one with its steps, or a batch', async (api, options, id) => {
    const json = options.json === true;
    if (id === '') return listSubmissions(api, terminal, { limit: options.limit, job: options.job, json });
    const isBatch = (await kindOf(api, id)) === 'Batch';
    return isBatch ? showBatch(api, terminal, id, json) : showSubmission(api, terminal, id, json);
  })
    .option('-n, --limit <count>', 'how many submissions', wholeNumber, DEFAULT_LIMIT)
    .option('--job <name>', 'only those of this job');
  command('graph <job-or-id>', 'write the graph of a job or of a submission, as SVG', (api, { json }, nameOrId) =>
    showGraph(api, terminal, nameOrId, json === true),
  );
  command('logs <id>', 'write the log of a step run, or of the steps of a submission', (api, { follow, step }, id) =>
    showLogs(id, { api, terminal, follow: follow === true, step, signal: interrupted.signal }),
  )
    .option('-f, --follow', 'until it ends')
    .option('--step <name>', 'only this step');
  command('cancel <id>', 'cancel a submission, or one step run of it', (api, { reason, json }, id) =>
    cancel(api, terminal, { id, reason }, json === true),
  ).option('--reason <text>', 'kept with the submission');
  command('resume <id>', 'go on with a submission that failed or was cancelled', async (api, options, id) => {
    const { json, watch: follow } = options;
    await resumeSubmission(api, terminal, id, json === true);
    return follow ? watch(id, { api, terminal, json, signal: interrupted.signal }) : EXIT.ok;
  }).option('-w, --watch', 'follow it to its end');
  command('rerun <id>', 'run a submission again: from a step on, or with other inputs', async (api, options, id) => {
    const { input: inputs, from, latest, json, watch: follow } = options;
    const again = await rerunSubmission(api, { id, inputs, from, latest, ...submitOptions(options) });
    if (json && !follow) terminal.print(JSON.stringify({ id: again.id }));
    else if (!json) terminal.print(follow ? `Submitted ${again.id}` : again.id);
    return follow ? watch(again.id, { api, terminal, json, signal: interrupted.signal }) : EXIT.ok;
  })
    .option('--from <step>', 'this step and all after it run in any case; repeat it', collect, [])
    .option('-i, --input <name=value>', 'an input that changes; repeat it for lists', collect, [])
    .option('--latest', 'the current version of the job, not the one that ran')
    .option('-w, --watch', 'follow it to its end')
    .addOption(new Option('--priority <priority>', 'its place among others').choices(['HIGH', 'NORMAL', 'LOW']))
    .option('--label <text>', 'your own words to find it by')
    .option('--idempotency-key <text>', 'the same key again gives the same submission');
  command('results <id>', 'fetch the result files to DIR/<step>/<name>', (api, { output, force, json }, id) =>
    fetchResults(id, { api, terminal, folder: output, force: force === true, json: json === true }),
  )
    .requiredOption('-o, --output <dir>', 'where to')
    .option('--force', 'replace files that are there');
  command('apply <dir>', 'define what the *.yaml files of a folder say', (api, { json }, dir) =>
    applyFolder(api, terminal, dir, json === true),
  );
  return root;
}

/** Prints the batch and a line for each submission; with `--watch` follows one after the other. */
async function submitAll(api: Api, request: MatrixRequest, { json, watch: follow }: Given): Promise<ExitCode> {
  const { batchId, submissions } = await submitMatrix(api, request);
  if (json && !follow) terminal.print(JSON.stringify({ batchId, submissions }));
  else if (!json) terminal.print(follow ? `Submitted ${batchId}` : batchId);
  let worst: ExitCode = EXIT.ok;
  for (const { id, label } of submissions) {
    if (!json) terminal.print(`${id}  ${label}`);
    if (!follow || interrupted.signal.aborted) continue;
    worst = (await watch(id, { api, terminal, json, signal: interrupted.signal })) || worst;
  }
  return worst;
}

function submitOptions({
  priority,
  label,
  idempotencyKey,
  reuse,
}: Given): Pick<Given, 'priority' | 'label' | 'idempotencyKey' | 'reuse'> {
  return { priority, label, idempotencyKey, reuse };
}

async function run(options: Given, action: (api: Api) => Promise<ExitCode | void>): Promise<void> {
  const url = options.url === undefined ? readSettings().serverUrl : flagUrl(options.url);
  const api = connect(url);
  try {
    process.exitCode = (await action(api)) ?? (interrupted.signal.aborted ? EXIT.cancelled : EXIT.ok);
  } finally {
    await api.close();
  }
}

function flagUrl(text: string): string {
  const parsed = VARIABLES.serverUrl.schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new CommandError(EXIT.refused, [`--url is "${text}": it must be an address such as http://127.0.0.1:4000.`]);
}

function collect(word: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, word];
}

function wholeNumber(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0 && count <= MAX_LIMIT) return count;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_LIMIT}.`);
}

function tell(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.refused;
  if (error instanceof CommandError) {
    error.lines.forEach(terminal.hint);
    return error.exitCode;
  }
  if (error instanceof SettingsError) {
    error.sentences.forEach(terminal.hint);
    return EXIT.refused;
  }
  if (error instanceof z.ZodError) {
    terminal.hint('The server answered in a form that this command does not know: are both of the same version?');
    return EXIT.unreachable;
  }
  terminal.hint(error instanceof Error ? error.message : String(error));
  return EXIT.failed;
}

async function main(): Promise<void> {
  process.on('SIGINT', () => {
    // What listens leaves in order; a second press, or a command that does not listen, ends at once.
    if (interrupted.signal.aborted) process.exit(EXIT.cancelled);
    interrupted.abort();
    setTimeout(() => process.exit(EXIT.cancelled), INTERRUPT_MS).unref();
  });
  try {
    await program().parseAsync();
  } catch (error) {
    process.exitCode = tell(error);
  }
}

/** How long a command has to leave in order. */
const INTERRUPT_MS = 3_000;

void main();
