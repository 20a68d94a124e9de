/** From the words of a Task to a run of Hadoop streaming: what is put there, what is run, what is fetched. Pure. */
import type { HadoopOptions } from '../../domain/backends/hadoop';
import type { Resources } from '../../domain/definitions';
import { StepcastError } from '../../domain/errors';

export interface StreamingRequest {
  readonly options: HadoopOptions;
  readonly resources: Resources;
  /** The path of `hadoop`, and of the JAR. */
  readonly program: string;
  readonly jar: string;
  /** Names the Attempt, in one word. */
  readonly key: string;
  readonly title: string;
  /** The words of the Task: options of Hadoop streaming. */
  readonly words: readonly string[];
  /** The working directory. */
  readonly out: string;
  readonly tmp: string;
  /** The outputs that are folders, by the word that stands for them. */
  readonly folders: ReadonlySet<string>;
}

export interface StreamingRun {
  readonly argv: readonly string[];
  /** A folder on the cluster that is this Attempt's own; undefined when files are shared. */
  readonly staging?: string;
  /** Whether the job ends with its maps. */
  readonly mapsOnly: boolean;
}

/** Constant: what differs comes as arguments. Everything is one process tree, whose exit code is that of the job. */
const SCRIPT = `
hadoop=$1; staging=$2; result=$3; target=$4; collect=$5; shift 5
if [ -n "$staging" ]; then "$hadoop" fs -mkdir -p "$staging/in" || exit; fi
while [ "$1" != -- ]; do "$hadoop" fs -put "$1" "$2" || exit; shift 2; done
shift
status=0
"$hadoop" "$@" || status=$?
if [ "$status" -eq 0 ]; then "$hadoop" fs "$collect" "$result" "$target" || status=$?; fi
if [ -n "$staging" ]; then "$hadoop" fs -rm -r -f -skipTrash "$staging" >/dev/null; fi
exit "$status"
`;

const GENERIC_USAGE =
  'The command of a task on Hadoop is the options of Hadoop streaming, such as: ' +
  'command: [-files, $mapper, -mapper, python3 mapper.py, -input, $text, -output, $counts].';

/** BAD_INPUT when the words lack an input or an output. */
export function streamingRun(request: StreamingRequest): StreamingRun {
  const { options, program, jar, key, out, tmp, folders } = request;
  const staging = options.staging === undefined ? undefined : `${options.staging}/stepcast-${key}`;
  const puts: string[] = [];
  const words: string[] = [];
  let target: string | undefined;
  const result = staging === undefined ? `file://${tmp}/hadoop-output` : `${staging}/out`;

  for (let at = 0; at < request.words.length; at += 1) {
    const word = request.words[at] ?? '';
    const next = request.words[at + 1];
    if (word === '-input') {
      // A list of files stands there as several words.
      for (let path = request.words[at + 1]; path?.startsWith('-') === false; path = request.words[at + 1]) {
        words.push('-input', placeInput(path, staging, puts));
        at += 1;
      }
    } else if (word === '-output' && next !== undefined) {
      target = next;
      words.push('-output', result);
      at += 1;
    } else words.push(word);
  }
  if (target === undefined) throw refused('-output');
  if (!words.includes('-input')) throw refused('-input');
  const collect = folders.has(target) ? '-get' : '-getmerge';
  const properties = Object.entries(propertiesOf(request)).flatMap(([name, value]) => ['-D', `${name}=${value}`]);
  const argv = [
    ...['/bin/sh', '-c', SCRIPT, 'sh', program, staging ?? '', result, absolute(target, out), collect],
    ...puts,
    ...['--', 'jar', jar, ...properties, ...words],
  ];
  return { argv, mapsOnly: isMapsOnly(words), ...(staging === undefined ? {} : { staging }) };
}

/** Paths of this machine are put there, or read as shared files; addresses are the Task's own business. */
function placeInput(path: string, staging: string | undefined, puts: string[]): string {
  if (!path.startsWith('/')) return path;
  if (staging === undefined) return `file://${escapePattern(path)}`;
  const remote = `${staging}/in/${puts.length / 2}`;
  puts.push(path, remote);
  return remote;
}

function propertiesOf({ options, resources, title }: StreamingRequest): Readonly<Record<string, string>> {
  const { memoryBytes, cpus } = resources;
  const megabytes = memoryBytes === undefined ? undefined : String(Math.max(1, Math.floor(memoryBytes / 1024 ** 2)));
  const cores = cpus === undefined ? undefined : String(Math.max(1, Math.ceil(cpus)));
  return {
    'mapreduce.job.name': title,
    ...(options.queue === undefined ? {} : { 'mapreduce.job.queuename': options.queue }),
    ...(megabytes === undefined
      ? {}
      : { 'mapreduce.map.memory.mb': megabytes, 'mapreduce.reduce.memory.mb': megabytes }),
    ...(cores === undefined ? {} : { 'mapreduce.map.cpu.vcores': cores, 'mapreduce.reduce.cpu.vcores': cores }),
    ...options.conf,
  };
}

const isMapsOnly = (words: readonly string[]): boolean =>
  !words.includes('-reducer') || words[words.indexOf('-reducer') + 1] === 'NONE';

const absolute = (path: string, folder: string): string => (path.startsWith('/') ? path : `${folder}/${path}`);

/** Hadoop takes paths as patterns; any one sign stands for one of theirs. */
const escapePattern = (path: string): string => path.replace(/[\\{}[\]*^,]/g, '?');

const refused = (word: string): StepcastError =>
  new StepcastError('BAD_INPUT', `The command has no \`${word}\`. ${GENERIC_USAGE}`);
