import type { LookupAddress } from 'node:dns';
import { createAddressGuard } from '../../../src/backends/http/addresses';
import { openHttp } from '../../../src/backends/http';
import type { BackendSpec } from '../../../src/domain/definitions';
import { keepBenches, type Bench } from '../support';
import { backendOf, taskOf } from '../written';
import { json, startService, type TestService } from './service';

const INSIDE = [
  '127.0.0.1',
  '127.8.8.8',
  '0.0.0.0',
  '10.0.0.1',
  '172.16.3.4',
  '192.168.1.1',
  '100.64.0.1',
  '169.254.169.254',
  '168.63.129.16',
  '192.0.0.192',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[::7f00:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[ff02::1]',
  '[100::1]',
  '[2001:db8::1]',
];

describe('an address', () => {
  it.each(INSIDE)('inside, %s, is refused', (host) => {
    expect(() => createAddressGuard([]).refuseAddress(host)).toThrow(/is not called/);
  });

  it.each(['http://2130706433/', 'http://0x7f.1/', 'http://127.1/', 'http://0177.0.0.1/', 'http://[0:0::1]/'])(
    'inside is refused however it is written: %s',
    (url) => {
      expect(() => createAddressGuard([]).refuseAddress(new URL(url).hostname)).toThrow(/is not called/);
    },
  );

  it.each(['8.8.8.8', '[2606:4700::1111]', '[::ffff:8.8.8.8]'])('of the internet, %s, is called', (host) => {
    expect(() => createAddressGuard([]).refuseAddress(host)).not.toThrow();
  });

  it('is called when it lies in a network that the Backend allows, and then only those', () => {
    const guard = createAddressGuard(['10.1.0.0/16', '::1', '192.168.7.7']);
    for (const host of ['10.1.2.3', '[::1]', '192.168.7.7', '[::ffff:10.1.2.3]'])
      expect(() => guard.refuseAddress(host)).not.toThrow();
    for (const host of ['10.2.0.1', '127.0.0.1', '192.168.7.8'])
      expect(() => guard.refuseAddress(host)).toThrow(/allow-internal/);
  });
});

describe('a name', () => {
  const looked = (allowed: string[], addresses: LookupAddress[]) =>
    new Promise<unknown>((resolve) =>
      createAddressGuard(allowed, (_, answer) => answer(null, addresses)).lookup(
        'Db.Example.org',
        { all: true },
        (error, found) => resolve(error ? error.message : found),
      ),
    );
  const outside = { address: '8.8.8.8', family: 4 };
  const inside = { address: '10.0.0.7', family: 4 };

  it('that leads inside with any of its addresses is refused', async () => {
    expect(await looked([], [outside])).toEqual([outside]);
    expect(await looked([], [outside, inside])).toContain('Db.Example.org is 10.0.0.7, which lies inside');
  });

  it('is called when the Backend vouches for it, or for all below a name', async () => {
    expect(await looked(['db.example.org'], [inside])).toEqual([inside]);
    expect(await looked(['*.example.org'], [inside])).toEqual([inside]);
    expect(await looked(['example.org', '*.ample.org'], [inside])).toContain('lies inside');
  });
});

describe('a call', () => {
  let service: TestService;
  const open = keepBenches();
  beforeAll(async () => {
    service = await startService({ '/': json({ secret: 'of the network' }) });
  });
  afterAll(async () => {
    await service.close();
  });
  const task = (host: string) =>
    taskOf(`request: GET http://${host}:${service.port}/\noutputs: { secret: { type: string } }`);
  const benchOf = (text: string): Bench => open(backendOf(`kind: http\n${text}`));

  it.each(['127.0.0.1', 'localhost', '2130706433', '[::ffff:127.0.0.1]'])(
    'to this machine as %s never reaches it',
    async (host) => {
      const outcome = await benchOf('').run(task(host));
      expect(outcome).toMatchObject({ state: 'FAILED', failure: 'NOT_STARTED', retryable: false, outputs: {} });
      expect(outcome.message).toContain('lies inside the network of this worker');
      expect(service.seen).toEqual([]);
    },
  );

  it('reaches it when the Backend allows it', async () => {
    const outcome = await benchOf('allow-internal: [localhost]').run(task('localhost'));
    expect(outcome.outputs).toEqual({ secret: 'of the network' });
  });

  it('takes no proxy from the environment, which would look names up by itself', async () => {
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = 'http://127.0.0.1:1';
    try {
      const outcome = await benchOf('allow-internal: [localhost]').run(task('localhost'));
      expect(outcome.state).toBe('SUCCEEDED');
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
    }
  });

  it('connects to the address that was judged: a name that changes its answer gains nothing', async () => {
    const answers = [[{ address: '127.0.0.1', family: 4 }], [{ address: '10.255.255.1', family: 4 }]];
    let asked = 0;
    const spec = backendOf(`kind: http\nbase-url: http://changing.test:${service.port}\nallow-internal: [127.0.0.0/8]`);
    const backend = await openHttp(spec as BackendSpec<'HTTP'>, null, {
      resolve: (_, answer) => answer(null, answers[asked++] ?? []),
    });
    expect(await backend.health()).toMatchObject({ state: 'READY' });
    expect(asked).toBe(1);
    await backend.close();
  });
});
