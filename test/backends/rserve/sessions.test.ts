import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { decodeHeader, decodeValue, encodeCommand, stringParameter } from '../../../src/backends/rserve/qap';
import { quoted } from '../../../src/backends/rserve/code';
import { scalar } from '../../../src/domain/values';
import { describeEngine } from '../../support/engines';
import { startProxy } from '../../support/proxy';
import { createBench, inputPort, outputPort, type Bench } from '../support';
import { returned, scriptTask } from '../script/programs';
import { LIST } from '../script/values';
import { backendOf, problemsOf } from '../written';

// Under load each takes a multiple of its usual seconds.
jest.setTimeout(120_000);

const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
  delete process.env['TEST_RSERVE_PASSWORD'];
});
const specAt = (url: string, more = '') => {
  const { hostname, port } = new URL(url.replace('rserve:', 'http:'));
  return backendOf(`kind: rserve\nhost: ${hostname}\nport: ${port}\n${more}`);
};
const benchAt = (url: string, more = ''): Bench => {
  const bench = createBench(specAt(url, more));
  benches.push(bench);
  return bench;
};

describeEngine('RSERVE', 'a session of Rserve', ({ url, secured }) => {
  it('sees nothing of another, and leaves nothing on its machine', async () => {
    const bench = benchAt(url);
    await bench.run(scriptTask('left <- 1; options(digits = 3)'));
    // Written in another way: a path of that machine would come back as one of this.
    const source =
      'there <- exists("left"); digits <- getOption("digits"); folder <- chartr("/", "|", dirname(getwd()))';
    const outputs = ['there', 'digits', 'folder'].map((name) => returned(name));
    const first = await bench.run(scriptTask(source, { outputs }));
    expect(first.outputs).toMatchObject({ there: false, digits: 7 });
    const folder = (first.outputs.folder as string).replaceAll('|', '/');
    expect(folder).toMatch(/\/stepcast-rserve-/);
    const look = scriptTask(`there <- dir.exists("${folder}"); parent <- dir.exists("${dirname(folder)}")`, {
      outputs: [returned('there'), returned('parent')],
    });
    expect((await bench.run(look)).outputs).toEqual({ there: false, parent: true });
  });

  it('tells an error with its line, and a failed step keeps what it had made', async () => {
    const outcome = await benchAt(url).run(scriptTask('x <- 1\nf <- function() stop("no such model")\nf()\n'));
    expect(outcome).toMatchObject({ state: 'FAILED', exitCode: 1 });
    expect(outcome.output).toMatch(/no such model/);
    expect(outcome.output).toMatch(/model(\.R)?#2/);
  });

  it('takes the output of programs that the script starts', async () => {
    const { output } = await benchAt(url).run(scriptTask('invisible(system("echo from sh; echo complaint >&2"))'));
    expect(output).toContain('from sh');
    expect(output).toContain('complaint');
  });

  it('has the environment of Backend and task, and none of the worker', async () => {
    const spec = scriptTask('cat(Sys.getenv(c("ONE", "TWO", "STEPCAST_TEST_DATABASE_URL")), sep = "|")', {
      environment: { TWO: 'b "c" \\d' },
    });
    expect((await benchAt(url, 'environment: { ONE: a }').run(spec)).output).toContain('a|b "c" \\d|');
  });

  it('reads its standard input, and so does what it starts', async () => {
    const bench = benchAt(url);
    const source = 'text <- readLines(file("stdin")); rest <- system("cat", intern = TRUE)';
    const outputs = [returned('text', LIST(scalar('string'))), returned('rest', LIST(scalar('string')))];
    const read = { ...scriptTask('', { inputs: [inputPort('data')], outputs }) };
    const fed = { ...read, command: { kind: 'script' as const, source, stdin: 'data' } };
    const data = await bench.file('größe.txt', 'one\ntwo\n');
    expect(await bench.run(fed, { data })).toMatchObject({ message: '', outputs: { text: ['one', 'two'], rest: [] } });
    const cat = { ...fed.command, source: 'text <- system("cat", intern = TRUE); rest <- NULL' };
    expect((await bench.run({ ...fed, command: cat }, { data })).outputs.text).toEqual(['one', 'two']);
    const unfed = { ...read, command: { kind: 'script' as const, source } };
    expect((await bench.run(unfed, { data })).outputs.text).toEqual([]);
  });

  it('needs a folder that it may write to', async () => {
    const run = benchAt(url, 'folder: /proc/nowhere').run(scriptTask('1'));
    await expect(run).rejects.toThrow("R on Rserve's machine: the folder /proc/nowhere cannot be written to");
  });

  it('that is killed counts as lost, and is tried again', async () => {
    const outcome = await benchAt(url).run(scriptTask('tools::pskill(Sys.getpid(), 9)'));
    expect(outcome).toMatchObject({ state: 'FAILED', failure: 'LOST', retryable: true });
    expect(outcome.message).toContain('ended without a word');
  });

  it('is held to its memory, with all that it started', async () => {
    const resources = { memoryBytes: 200 * 1024 * 1024 };
    const itself = await benchAt(url).run(
      scriptTask('x <- raw(300 * 1024 * 1024); x[] <- as.raw(1); Sys.sleep(30)', { resources }),
    );
    expect(itself).toMatchObject({ state: 'FAILED', failure: 'OUT_OF_MEMORY' });
    expect(itself.peakMemoryBytes).toBeGreaterThan(200 * 1024 * 1024);
    const child = `system("Rscript -e 'x <- raw(300 * 1024 * 1024); x[] <- as.raw(1); Sys.sleep(30)'")`;
    expect(await benchAt(url).run(scriptTask(child, { resources }))).toMatchObject({ failure: 'OUT_OF_MEMORY' });
    expect(await benchAt(url).run(scriptTask('x <- raw(1e6)', { resources }))).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('may leave links that lead nowhere, pipes, and files that nobody may read', async () => {
    const source = `
invisible(file.symlink("nowhere", "broken"))
system("mkfifo pipe")
cat("x", file = "locked"); Sys.chmod("locked", "000")
dir.create("deep"); cat("fine", file = "deep/größe 1.txt"); invisible(file.create("empty"))
`;
    const outputs = [outputPort('fine', { glob: 'deep/*.txt', path: '' }), outputPort('empty')];
    const outcome = await benchAt(url).run(scriptTask(source, { outputs }));
    expect(outcome).toMatchObject({
      state: 'SUCCEEDED',
      outputs: { fine: { name: 'größe 1.txt', size: 4 }, empty: { size: 0 } },
      notes: [expect.stringMatching(/^locked was not brought back\. /) as string],
    });
  });

  it('can be cancelled while its files come back', async () => {
    const bench = benchAt(url);
    const attempt = bench.start(scriptTask('system("truncate -s 2G big")', { outputs: [outputPort('big')] }));
    const comesBack = (): boolean =>
      existsSync(bench.workDir) &&
      readdirSync(bench.workDir, { recursive: true }).some((path) => String(path).endsWith('out/big'));
    while (!comesBack()) await delay(20);
    attempt.cancel('cancelled');
    expect(await attempt.outcome).toMatchObject({ state: 'CANCELLED' });
  });

  it('outlives its connections, of which none is left', async () => {
    const proxy = await startProxy(url);
    const bench = benchAt(proxy.url);
    const source = 'for (i in 1:30) { cat("line", i, "\\n"); Sys.sleep(0.1) }; total <- i';
    const attempt = bench.start(scriptTask(source, { outputs: [returned('total')] }));
    for (const text of ['line 3 ', 'line 15 ']) {
      await attempt.until(text);
      expect(proxy.cut()).toBeGreaterThan(0);
    }
    expect(await attempt.outcome).toMatchObject({ message: '', state: 'SUCCEEDED', outputs: { total: 30 } });
    expect(attempt.output()).toBe(Array.from({ length: 30 }, (_, index) => `line ${index + 1} \n`).join(''));
    while (proxy.open() > 0) await delay(20);
    await proxy.close();
  });

  it('wants the right password, from the environment of the worker', async () => {
    const login = `user: ${secured.user}\npassword: { env: TEST_RSERVE_PASSWORD }`;
    const health = (more: string) => benchAt(secured.url).host.health(specAt(secured.url, more));
    expect(await health('')).toMatchObject({ state: 'MISSING' });
    expect((await health(login)).message).toContain('no environment variable TEST_RSERVE_PASSWORD');
    process.env['TEST_RSERVE_PASSWORD'] = 'wrong';
    const wrong = await health(login);
    expect(wrong.state).toBe('UNAVAILABLE');
    expect(wrong.message).not.toContain('wrong');
    process.env['TEST_RSERVE_PASSWORD'] = secured.password;
    expect(await health(login)).toMatchObject({ state: 'READY' });
    expect((await benchAt(secured.url, login).run(scriptTask('cat("in")'))).output).toContain('in');
  });
});

describe('an Rserve that is not there', () => {
  it('is unavailable, and its steps are tried again', async () => {
    const bench = benchAt('rserve://127.0.0.1:1');
    expect(await bench.host.health(specAt('rserve://127.0.0.1:1'))).toMatchObject({ state: 'UNAVAILABLE' });
    await expect(bench.run(scriptTask('1'))).rejects.toThrow(/Rserve at 127\.0\.0\.1:1/);
  });

  it('is told from other services, also from those that say nothing', async () => {
    const server = createServer((socket) =>
      socket.on('error', () => {}).write('HTTP/1.1 400 Bad Request\r\n\r\n12345'),
    );
    const silent = createServer((socket) => socket.on('error', () => {}));
    for (const one of [server, silent]) await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    const urlOf = (one: typeof server) => `rserve://127.0.0.1:${(one.address() as AddressInfo).port}`;
    const { host } = benchAt(urlOf(server));
    expect((await host.health(specAt(urlOf(server)))).message).toContain('no Rserve');
    expect((await host.health(specAt(urlOf(silent), 'connect-timeout: 0.2'))).message).toContain('within 0.2 seconds');
    for (const one of [server, silent]) one.close();
  });
});

it('an Rserve behind TLS whose certificate nobody vouches for is not spoken to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stepcast-rserve-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...words, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => socket.end());
  rmSync(folder, { recursive: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `rserve://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { state, message } = await benchAt(url).host.health(specAt(url, 'tls: true'));
  server.close();
  expect([state, message]).toEqual(['UNAVAILABLE', expect.stringContaining('self-signed certificate')]);
});

describe('the messages of QAP1', () => {
  it('have a header of 16 bytes and texts filled up to 4', () => {
    const command = encodeCommand(3, stringParameter('a+b'));
    expect(command.toString('hex')).toBe('03000000080000000000000000000000' + '04040000' + '612b6200');
    const large = stringParameter('x'.repeat(2 ** 24));
    expect(large.readUInt8(0)).toBe(4 | 0x40);
    expect(large.readUIntLE(1, 3) + large.readUInt32LE(4) * 2 ** 24).toBe(2 ** 24 + 4);
  });

  it('answer with texts, bytes, nothing, or a failure', () => {
    const texts = Buffer.from('0a0c000022080000c3bc006100010101', 'hex');
    expect(decodeValue(texts)).toEqual(['ü', 'a']);
    const bytes = Buffer.from('0a0c00002508000003000000010203ff', 'hex');
    expect(decodeValue(bytes)).toEqual(Buffer.from([1, 2, 3]));
    expect(decodeValue(Buffer.from('0a04000000000000', 'hex'))).toBeNull();
    const failed = Buffer.from('0200017f000000000000000000000000', 'hex');
    expect(decodeHeader(failed)).toEqual({ kind: 'failed', status: 0x7f, bodyBytes: 0 });
    expect(() => decodeHeader(Buffer.alloc(16))).toThrow(/no Rserve/);
  });
});

it('texts are quoted for R', () => {
  expect(quoted('a"b\\c\nd')).toBe('"a\\"b\\\\c\\012d"');
});

it('the page of RSERVE has examples that can be used as they stand', () => {
  const page = readFileSync(join(__dirname, '../../../docs/backends/rserve.md'), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  expect(blocks).toHaveLength(1);
  expect(problemsOf(blocks.join('\n---\n'))).toEqual([]);
  expect(problemsOf('backend: b\nkind: rserve\nuser: a').join()).toContain('user and password go together');
  expect(problemsOf('backend: b\nkind: rserve\nuser: a\npassword: b').length).toBeGreaterThan(0);
});
