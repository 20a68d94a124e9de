import { readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendSpec } from '../../../src/domain/definitions';
import { processStart } from '../../../src/backends/process/processList';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { createBench, inputPort, isRunning, outputPort, type Bench } from '../support';
import { returned, scriptTask } from './programs';

type Kind = 'PYTHON' | 'R' | 'OCTAVE';

/** What each language is asked, as source code. */
interface Words {
  /** Loads something that takes its time, and that stays loaded. */
  readonly preload: string;
  /** Sets `pid`, `folder` (that of the script), `home` and `attempt` (variables of its environment). */
  readonly facts: string;
  /** Changes all that a script can change of its own process. */
  readonly litter: string;
  /** Sets `found` to what of that is seen: an empty list. */
  readonly look: string;
  readonly sleep: string;
  /** Starts a child that would live on, prints `child=` and its pid, and waits for ever. */
  readonly child: string;
  readonly fill: string;
  /** Leaves `kept.txt` open, and writes `late.txt` when it ends: in each its own name. */
  readonly partings: string;
  /** Ends by itself with the exit code 3. */
  readonly leaves: string;
}

const WORDS: Readonly<Record<Kind, Words>> = {
  PYTHON: {
    preload: 'decimal',
    facts:
      'import os\npid, folder, home, attempt = os.getpid(), os.getcwd(), os.environ["HOME"], os.environ["STEPCAST_ATTEMPT"]',
    litter: `
import os, sys, builtins, json, decimal
leaked = 1
builtins.leaked = 1
json.leaked = 1
decimal.getcontext().prec = 3
os.environ["LEAKED"] = "1"
sys.path.append("/leaked")
sys.modules["leaked"] = json
os.umask(0o777)
os.chdir("/")
`,
    look: `
import os, sys, builtins, json, decimal
found = [name for name, seen in {
  "global": "leaked" in globals(), "builtin": hasattr(builtins, "leaked"), "module": hasattr(json, "leaked"),
  "context": decimal.getcontext().prec != 28, "environment": "LEAKED" in os.environ, "path": "/leaked" in sys.path,
  "modules": "leaked" in sys.modules, "umask": os.umask(0o022) == 0o777, "folder": os.getcwd() == "/",
}.items() if seen]
`,
    sleep: 'import time\ntime.sleep(30)',
    child:
      'import subprocess\nchild = subprocess.Popen(["setsid", "sleep", "600"])\nprint("child=%d" % child.pid)\nchild.wait()',
    fill: 'import time\nx = bytearray(300 * 1024 * 1024)\ntime.sleep(30)',
    partings: `
import atexit
file = open("kept.txt", "w")
file.write("kept")
atexit.register(lambda: open("late.txt", "w").write("late"))
`,
    leaves: 'import sys\nsys.exit(3)',
  },
  R: {
    preload: 'splines',
    facts:
      'pid <- Sys.getpid(); folder <- getwd(); home <- Sys.getenv("HOME"); attempt <- Sys.getenv("STEPCAST_ATTEMPT")',
    litter: `
leaked <- 1
options(leaked = 1, digits = 3)
Sys.setenv(LEAKED = "1")
.libPaths(tempdir())
set.seed(1)
attach(list(leaked2 = 1))
library(tools)
setwd("/")
`,
    look: `
found <- names(which(c(
  global = exists("leaked"), option = !is.null(getOption("leaked")), digits = getOption("digits") != 7,
  environment = Sys.getenv("LEAKED") != "", tuned = Sys.getenv("GLIBC_TUNABLES") != "", seed = exists(".Random.seed"), attached = exists("leaked2"),
  package = "package:tools" %in% search(), folder = getwd() == "/")))
`,
    sleep: 'Sys.sleep(30)',
    child: 'system("setsid sleep 600 & echo child=$!; wait")',
    fill: 'x <- raw(300 * 1024 * 1024); x[] <- as.raw(1); Sys.sleep(30)',
    partings: `
file <- file("kept.txt", "w")
cat("kept", file = file)
reg.finalizer(environment(), function(...) cat("late", file = "late.txt"), onexit = TRUE)
`,
    leaves: 'quit("no", 3)',
  },
  OCTAVE: {
    preload: '',
    facts: 'pid = getpid(); folder = pwd(); home = getenv("HOME"); attempt = getenv("STEPCAST_ATTEMPT");',
    litter: `
leaked = 1;
global leaked_too;
leaked_too = 1;
setenv("LEAKED", "1");
addpath("/");
format long
cd("/");
`,
    look: `
found = {};
if (exist("leaked", "var")) found{end+1} = "variable"; end
if (! isempty(who("global"))) found{end+1} = "global"; end
if (! isempty(getenv("LEAKED"))) found{end+1} = "environment"; end
if (! isempty(getenv("GLIBC_TUNABLES"))) found{end+1} = "tuned"; end
if (strcmp(pwd(), "/")) found{end+1} = "folder"; end
if (any(strcmp(strsplit(path(), ":"), "/"))) found{end+1} = "path"; end
`,
    sleep: 'pause(30)',
    child: 'system("setsid sleep 600 & echo child=$!; wait");',
    fill: 'x = ones(300 * 1024 * 1024 / 8, 1); pause(30)',
    partings: `
1;
function last ()
  file = fopen ("late.txt", "w");
  fprintf (file, "late");
  fclose (file);
end
file = fopen ("kept.txt", "w");
fprintf (file, "kept");
atexit ("last");
`,
    leaves: 'exit(3)',
  },
};

describe.each(Object.keys(WORDS) as Kind[])('interpreters that wait:', (kind) => {
  describeEngine(kind, kind, ({ interpreter }) => {
    const words = WORDS[kind];
    const spec = (pool: number, preload: readonly string[] = words.preload === '' ? [] : [words.preload]) =>
      ({
        ...{ name: 'warm', kind, description: '', environment: { FROM_BACKEND: '1' } },
        options: { interpreter, pool, preload },
      }) as BackendSpec;
    const factPorts = ['pid', 'folder', 'home', 'attempt'].map((name) => returned(name));
    const found = [returned('found', { kind: 'array', items: scalar('string') })];
    let bench: Bench;
    let used: BackendSpec;
    const open = (one: BackendSpec): void => {
      used = one;
      bench = createBench(one);
    };
    afterEach(() => bench.close());

    it('run a script in its own place and environment, each once', async () => {
      open(spec(2));
      await waiting(2);
      const before = await waiting(2);
      const pids: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        const attempt = bench.start(scriptTask(words.facts, { outputs: factPorts }));
        const { outputs, message } = await attempt.outcome;
        expect(message).toBe('');
        const { pid, folder, home } = outputs as { pid: number; folder: string; home: string };
        expect(`${dirname(folder)}/tmp`).toBe(home);
        expect(outputs.attempt).toBe(`${attempt.stepRunId}.1`);
        pids.push(pid);
      }
      expect(new Set(pids).size).toBe(3);
      expect(before).toContain(pids[0]);
    });

    it('let a script end as it wants to, with all that it has left for its end', async () => {
      open(spec(1));
      await waiting(1);
      const outputs = ['kept', 'late'].map((name) => outputPort(name, { glob: `${name}.txt`, path: `${name}.txt` }));
      const outcome = await bench.run(scriptTask(words.partings, { outputs }));
      expect(outcome).toMatchObject({ message: '', exitCode: 0 });
      expect(await bench.content(outcome.outputs.kept)).toBe('kept');
      expect(await bench.content(outcome.outputs.late)).toBe('late');
      await waiting(1);
      expect(await bench.run(scriptTask(words.leaves))).toMatchObject({ state: 'FAILED', exitCode: 3, signal: null });
    });

    it('leave nothing behind', async () => {
      open(spec(1));
      const lying = (): string[] =>
        readdirSync(bench.workDir, { recursive: true, encoding: 'utf8' }).filter((path) =>
          /warm-[^/]*\/[^/]+$/.test(path),
        );
      const counts: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        await waiting(1);
        await bench.run(scriptTask(words.facts, { outputs: factPorts }));
        const [next] = await waiting(1);
        // Of those that wait, R makes itself a folder, at once.
        while (next !== undefined && kind === 'R' && lying().length < 2) await sleep(20);
        counts.push(lying().length);
      }
      const each = kind === 'R' ? 2 : 1;
      expect(counts).toEqual([each, each, each]);
    });

    it('see nothing of one another', async () => {
      open(spec(1));
      for (let round = 0; round < 2; round += 1) {
        const used = await waiting(1);
        expect(await bench.run(scriptTask(words.litter))).toMatchObject({ message: '' });
        expect(used.some(isRunning)).toBe(false);
        await waiting(1);
        const outcome = await bench.run(scriptTask(words.look, { outputs: found }));
        expect(outcome).toMatchObject({ message: '', outputs: { found: [] } });
      }
    });

    it('are passed by a task with an environment or data on standard input of its own', async () => {
      open(spec(1));
      const before = await waiting(1);
      const own = await bench.run(scriptTask(words.facts, { environment: { X: '1' }, outputs: factPorts }));
      const fed = scriptTask(words.facts, { inputs: [inputPort('data')], outputs: factPorts });
      const command = { kind: 'script' as const, source: words.facts, stdin: 'data' };
      const other = await bench.run({ ...fed, command }, { data: await bench.file('a', 'x') });
      expect(before).not.toContain(own.outputs.pid);
      expect(before).not.toContain(other.outputs.pid);
      expect(before.every(isRunning)).toBe(true);
    });

    it('are more than enough when all are taken: the next script starts its own', async () => {
      open(spec(1));
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, () => bench.run(scriptTask(words.facts, { outputs: factPorts }))),
      );
      expect(outcomes.map(({ message }) => message)).toEqual(['', '', '', '', '']);
      expect(new Set(outcomes.map(({ outputs }) => outputs.pid)).size).toBe(5);
      expect((await waiting(1)).length).toBe(1);
    });

    it('are not used when they were killed while they waited', async () => {
      open(spec(1));
      const [killed = 0] = await waiting(1);
      process.kill(killed, 'SIGKILL');
      while (processStart(killed) !== undefined) await sleep(1);
      const outcome = await bench.run(scriptTask(words.facts, { outputs: factPorts }));
      expect(outcome).toMatchObject({ message: '', state: 'SUCCEEDED' });
      expect(outcome.outputs.pid).not.toBe(killed);
    });

    it('are held to timeouts, cancels and memory, with all that they started', async () => {
      open(spec(1));
      await waiting(1);
      expect(await bench.run(scriptTask(words.sleep, { timeoutSeconds: 1 }))).toMatchObject({ failure: 'TIMEOUT' });
      await waiting(1);
      const attempt = bench.start(scriptTask(words.child));
      await attempt.until('child=');
      const child = Number(/child=(\d+)/.exec(attempt.output())?.[1]);
      attempt.cancel('cancelled');
      expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
      expect(isRunning(child)).toBe(false);
      await waiting(1);
      const memory = scriptTask(words.fill, { resources: { memoryBytes: 200 * 1024 * 1024 } });
      expect(await bench.run(memory)).toMatchObject({ failure: 'OUT_OF_MEMORY' });
    });

    it('end with their worker', async () => {
      open(spec(2));
      const pids = await waiting(2);
      expect(pids).toHaveLength(2);
      await bench.host.close();
      expect(pids.some(isRunning)).toBe(false);
    });

    it('that cannot load their packages are told in the health, and scripts run without', async () => {
      open(spec(1, ['nosuchpackage']));
      let message = '';
      while (!message) {
        ({ message } = await bench.host.health(used));
        await sleep(50);
      }
      expect(message).toMatch(/^Interpreters that wait end before they are used: [^]*nosuchpackage/);
      if (kind !== 'OCTAVE')
        expect(await bench.run(scriptTask(words.facts, { outputs: factPorts }))).toMatchObject({ message: '' });
    });

    /** The pids of the interpreters of this bench that wait, as soon as there are so many. */
    async function waiting(count: number): Promise<number[]> {
      // Whoever asks opens it.
      await bench.host.health(used);
      for (;;) {
        const pids = childPids().filter((pid) => readEnvironment(pid).includes('FROM_BACKEND=1') && !isAttempt(pid));
        if (pids.length >= count) return pids;
        await sleep(20);
      }
    }
  });
});

const childPids = (): number[] =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);

function readEnvironment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

const isAttempt = (pid: number): boolean => readEnvironment(pid).some((one) => one.startsWith('STEPCAST_ATTEMPT='));
