/** An executable that stands in for `hadoop` and `mapred`: it records its calls, and answers in their form. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The lines that Hadoop's client writes about a job, in the form of its version 3; written down, not taken from a run. */
const LINES = {
  begin: `packageJobJar: [] [/opt/hadoop/share/hadoop/tools/lib/hadoop-streaming-3.4.1.jar] /tmp/streamjob1.jar tmpDir=null
2025-06-11 09:14:02,511 INFO client.DefaultNoHARMFailoverProxyProvider: Connecting to ResourceManager at /0.0.0.0:8032
2025-06-11 09:14:03,127 INFO mapred.FileInputFormat: Total input files to process : 1
2025-06-11 09:14:03,350 INFO mapreduce.JobSubmitter: Submitting tokens for job: job_1749632015872_0007
2025-06-11 09:14:03,614 INFO mapreduce.Job: The url to track the job: http://head:8088/proxy/application_1749632015872_0007/
2025-06-11 09:14:03,615 INFO mapreduce.Job: Running job: job_1749632015872_0007
2025-06-11 09:14:08,703 INFO mapreduce.Job: Job job_1749632015872_0007 running in uber mode : false
2025-06-11 09:14:08,704 INFO mapreduce.Job:  map 0% reduce 0%`,
  middle: '2025-06-11 09:14:12,741 INFO mapreduce.Job:  map 100% reduce 0%',
  end: `2025-06-11 09:14:16,772 INFO mapreduce.Job:  map 100% reduce 100%
2025-06-11 09:14:17,785 INFO mapreduce.Job: Job job_1749632015872_0007 completed successfully`,
  failed: `2025-06-11 09:14:17,785 INFO mapreduce.Job: Job job_1749632015872_0007 failed with state FAILED due to: Task failed
2025-06-11 09:14:17,852 ERROR streaming.StreamJob: Job not successful!
Streaming Command Failed!`,
};

const SCRIPT = `#!/bin/sh
home=$(dirname "$(dirname "$0")")
{ printf %s "$(basename "$0")"; for word in "$@"; do printf '|%s' "$word"; done; echo; } >> "$home/calls"
local_of() { echo "$1" | sed -e "s#^hdfs://head#$home/hdfs#" -e 's#^file://##'; }
say() { printf '%s\\n' "$1" >&2; }
case "$1" in
  version) echo "Hadoop 3.4.1"; exit ;;
  job) exit ;;
  fs)
    case "$2" in
      -mkdir) mkdir -p "$(local_of "$4")" ;;
      -put) cp "$3" "$(local_of "$4")" ;;
      -get) cp -r "$(local_of "$3")" "$4" ;;
      -getmerge) cat "$(local_of "$3")"/part-* > "$4" ;;
      -rm) for last in "$@"; do :; done; rm -rf "$(local_of "$last")" ;;
    esac
    exit ;;
esac
shift 2
inputs=; mapper=cat; reducer=cat; files=
while [ $# -gt 0 ]; do
  case "$1" in
    -input) inputs="$inputs $(local_of "$2")" ;;
    -output) output=$(local_of "$2") ;;
    -mapper) mapper=$2 ;;
    -reducer) reducer=$2 ;;
    -files) files=$2 ;;
  esac
  shift 2
done
work=$(mktemp -d)
[ -z "$files" ] || cp "$files" "$work"
cd "$work" || exit
say '${LINES.begin}'
mkdir -p "$output"
if cat $inputs | sh -c "$mapper" > mapped; then
  say '${LINES.middle}'
  sort mapped | sh -c "$reducer" > "$output/part-00000"
  say '${LINES.end}'
  exit 0
fi
say '${LINES.failed}'
exit 1
`;

export interface StandIn {
  readonly home: string;
  readonly jar: string;
  /** The words of each call, joined by \`|\`. */
  calls(): string[];
  remove(): void;
}

export function standIn(): StandIn {
  const home = mkdtempSync(join(tmpdir(), 'stepcast-hadoop-'));
  const jars = join(home, 'share', 'hadoop', 'tools', 'lib');
  const jar = join(jars, 'hadoop-streaming-3.4.1.jar');
  for (const folder of [jars, join(home, 'bin'), join(home, 'hdfs')]) mkdirSync(folder, { recursive: true });
  writeFileSync(jar, '');
  for (const name of ['hadoop', 'mapred']) {
    writeFileSync(join(home, 'bin', name), SCRIPT);
    chmodSync(join(home, 'bin', name), 0o755);
  }
  return {
    home,
    jar,
    calls: () => readFileSync(join(home, 'calls'), 'utf8').trim().split('\n'),
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
