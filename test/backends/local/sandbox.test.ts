import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConfinement } from '../../../src/backends/confinement';
import { findPrivate } from '../../../src/backends/confinement/notForAll';
import { DEFAULT_PATH } from '../../../src/backends/attempt/environment';
import type { TaskSpec } from '../../../src/domain/definitions';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { keepBenches, inputPort, isRunning, outputPort, task, untilTidy, type Bench } from '../support';
import { backendOf } from '../written';

const open = keepBenches();
const benchOf = (sandbox: string, more = ''): Bench => open(backendOf(`kind: local\nsandbox: ${sandbox}\n${more}`));

const sh = (script: string, more: Partial<TaskSpec> = {}): TaskSpec => task({ script }, more);

/** The pids of all processes with this word among their arguments, as the whole machine sees them. */
const withArgument = (word: string): number[] =>
  readdirSync('/proc')
    .filter((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0').includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);

describeEngine('BUBBLEWRAP', 'a command in a sandbox', () => {
  it('takes its inputs, gives its outputs, and is read as any other', async () => {
    const bench = benchOf('true');
    const spec = task(
      [
        'sh',
        '-c',
        'cat "$1" && tr a-z A-Z < "$1" > "out dir/ü b.txt" && echo "$TMPDIR $HOME" && exit 3',
        'sh',
        { kind: 'input', port: 'text' },
      ],
      {
        inputs: [inputPort('text')],
        outputs: [outputPort('upper', { glob: 'out dir/*.txt', path: 'out dir/x.txt' })],
        exitRules: { success: [3], temporary: [], terminate: [] },
      },
    );
    const { state, outputs, output, exitCode } = await bench.run(spec, {
      text: await bench.file('ein text.txt', 'hallo\n'),
    });
    expect({ state, exitCode }).toEqual({ state: 'SUCCEEDED', exitCode: 3 });
    expect(output).toContain('hallo');
    expect(outputs.upper).toMatchObject({ name: 'ü b.txt' });
    expect(await bench.content(outputs.upper)).toBe('HALLO\n');
  });

  it('can change nothing but its own directory', async () => {
    const bench = benchOf('true');
    const { output } = await bench.run(
      sh(
        'for d in / /usr /etc /run /opt "$PWD" "$TMP" /tmp; do touch $d/probe 2>/dev/null && echo "wrote:$d"; done; true',
        {
          inputs: [inputPort('none', { kind: 'union', types: [{ kind: 'null' }, { kind: 'File' }] })],
        },
      ),
    );
    const wrote = [...output.matchAll(/wrote:(.*)/g)].map(([, path = '']) => path.replace(bench.workDir, ''));
    expect(wrote.map((path) => path.replace(/.*\//, ''))).toEqual(['out', 'tmp', 'tmp']);
  });

  it('sees no files of others: neither what the worker holds nor the secrets of the system', async () => {
    const bench = benchOf('true');
    const secret = join(bench.home, 'secret');
    writeFileSync(secret, 'of the worker');
    const { output } = await bench.run(
      sh(`cat ${secret} /etc/shadow 2>&1; ls / ${bench.home}; cat /etc/passwd | head -1`),
    );
    expect(output).not.toContain('of the worker');
    expect(output).not.toMatch(/^root:[^x]*:\d+:\d+:\d+:/m);
    expect(output).not.toMatch(/^(root|home|var|srv|artifacts|secret)$/m);
    expect(output).toContain('root:x:0:0');
  });

  it('reads nothing among the settings that not everybody may read', async () => {
    const hidden = findPrivate('/etc').map(({ path }) => path);
    expect(hidden).toContain('/etc/shadow');
    const { streams, state } = await benchOf('true').run(
      task([
        'sh',
        '-c',
        'for one; do if [ -d "$one" ]; then ls -A "$one"; else cat "$one"; fi; done; true',
        'sh',
        ...hidden,
      ]),
    );
    expect({ state, read: streams.stdout }).toEqual({ state: 'SUCCEEDED', read: '' });
  });

  it('sees no processes but its own, and can harm none', async () => {
    const { output } = await benchOf('true').run(
      sh(
        `kill -0 ${process.pid} 2>/dev/null && echo reached; ls /proc | grep -c '^[0-9]'; echo "caps=$(grep CapEff /proc/self/status)"`,
      ),
    );
    expect(output).not.toContain('reached');
    expect(Number(/^\d+$/m.exec(output)?.[0])).toBeLessThan(8);
    expect(output).toMatch(/caps=CapEff:\s+0+$/m);
  });

  it('has no network unless the Backend says so', async () => {
    const server = createServer((socket) => socket.end('hello from outside\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const call = task(['bash', '-c', `cat < /dev/tcp/127.0.0.1/${port}`]);
    try {
      expect(await benchOf('true').run(call)).toMatchObject({ state: 'FAILED', exitCode: 1 });
      expect((await benchOf('{ network: true }').run(call)).output).toContain('hello from outside');
    } finally {
      server.close();
    }
  });

  it('sees what the Backend shows it, and may change what it is given to change', async () => {
    const bench = benchOf('true');
    const [shown, given] = ['shown dir', 'given'].map((name) => join(bench.home, name));
    for (const path of [shown, given]) mkdirSync(path ?? '');
    writeFileSync(join(shown ?? '', 'data'), 'reference');
    const { output } = await benchOf(`{ read-only: ["${shown}"], writable: ["${given}"] }`).run(
      sh(`cat "${shown}/data"; touch "${shown}/x" || echo refused; echo kept > ${given}/result`),
    );
    expect(output).toContain('reference');
    expect(output).toContain('refused');
    expect(readFileSync(join(given ?? '', 'result'), 'utf8')).toBe('kept\n');
  });

  it('has the environment that is declared', async () => {
    const { output } = await benchOf('true', 'environment: { COLOUR: "dark blue" }').run(
      task(['env'], { environment: { SIZE: '7' } }),
    );
    expect(output).toContain('COLOUR=dark blue');
    expect(output).toContain('SIZE=7');
    expect(output).not.toContain('STEPCAST_TEST');
  });

  it('may tidy up when it is cancelled, and is then ended with all that it started', async () => {
    const word = `marker-${process.pid}-cancel`;
    await untilTidy(async () => {
      const attempt = benchOf('true').start(
        task([
          'bash',
          '-c',
          `trap 'echo tidy; exit 0' TERM
         setsid -f env -i /bin/bash -c "trap '' TERM; while :; do sleep 0.05; done" ${word}
         (trap '' TERM; exec -a ${word} sleep 1000) &
         sleep 1000 & echo ready; wait`,
        ]),
      );
      await attempt.until('ready');
      while (withArgument(word).length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      attempt.cancel('cancelled');
      expect((await attempt.outcome).state).toBe('CANCELLED');
      expect(withArgument(word).filter(isRunning)).toEqual([]);
      return attempt.output();
    });
  });

  it('is ended at its timeout, also when it hears no signals', async () => {
    const word = `marker-${process.pid}-timeout`;
    const outcome = await benchOf('true').run(
      task(['bash', '-c', `trap '' TERM; (exec -a ${word} sleep 1000) & wait`], { timeoutSeconds: 1 }),
    );
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'TIMEOUT' });
    expect(withArgument(word)).toEqual([]);
  });

  it('tells by which signal it ended', async () => {
    const outcome = await benchOf('true').run(task(['bash', '-c', 'kill -SEGV $$']));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'SIGNAL', signal: 'SIGSEGV', exitCode: null });
  });

  it('that is not there, or not to be seen, does not start', async () => {
    const bench = benchOf('true');
    const program = join(bench.home, 'tool');
    writeFileSync(program, '#!/bin/sh\necho ran\n', { mode: 0o755 });
    expect(await bench.run(task(['no-such-program']))).toMatchObject({ failure: 'NOT_STARTED' });
    const unseen = await bench.run(task([program]));
    expect(unseen).toMatchObject({ failure: 'NOT_STARTED', retryable: false });
    expect(unseen.message).toContain('is not to be seen in the sandbox');
    expect((await benchOf(`{ read-only: ["${bench.home}"] }`).run(task([program]))).output).toBe('ran\n');
  });

  it('a hundred at once, each for itself', async () => {
    const bench = benchOf('true');
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        bench.run(
          task(['sh', '-c', `echo ${index} > n`], {
            outputs: [outputPort('n', { type: scalar('string'), read: 'text' })],
          }),
        ),
      ),
    );
    expect(outcomes.map(({ outputs }) => outputs.n)).toEqual(outcomes.map((_, index) => `${index}`));
  }, 120_000);

  it('works for a worker without rights as well', () => {
    if (process.getuid?.() !== 0) return;
    const words = [
      '-u',
      'nobody',
      '--',
      'bwrap',
      '--unshare-all',
      '--ro-bind',
      '/',
      '/',
      '--proc',
      '/proc',
      '--',
      'id',
      '-u',
    ];
    expect(execFileSync('runuser', words, { encoding: 'utf8', cwd: '/' }).trim()).toBe('65534');
  });
});

test('what not everybody may read is found, the outermost of each, and no link', () => {
  const home = mkdtempSync(join(tmpdir(), 'stepcast-private-'));
  const at = (...names: string[]): string => join(home, ...names);
  for (const folder of ['open', 'closed', 'listed']) mkdirSync(at(folder));
  for (const name of ['open/public', 'open/key', 'closed/inner', 'listed/inner']) writeFileSync(at(name), '');
  symlinkSync('/nowhere', at('open/link'));
  chmodSync(at('open/key'), 0o640);
  chmodSync(at('closed'), 0o750);
  chmodSync(at('listed'), 0o754);
  expect(findPrivate(home)).toEqual([
    { path: at('closed'), isFolder: true },
    { path: at('listed'), isFolder: true },
    { path: at('open/key'), isFolder: false },
  ]);
  rmSync(home, { recursive: true });
});

describe('a machine without bubblewrap', () => {
  const sandbox = { network: false, readOnly: [], writable: [] };

  it('says so, and runs nothing outside of the sandbox', async () => {
    const confinement = createConfinement({ sandbox }, '/nowhere');
    expect(await confinement.missing()).toContain('apt-get install bubblewrap');
    expect(() => confinement.start({} as never, {} as never)).toThrow(/needs bubblewrap/);
  });

  it('is not asked for when what the sandbox shows is not there', async () => {
    const missing = await createConfinement(
      { sandbox: { ...sandbox, readOnly: ['/no/such'] } },
      DEFAULT_PATH,
    ).missing();
    if (missing?.includes('bwrap')) return;
    expect(missing).toContain('/no/such, which does not exist');
  });
});
