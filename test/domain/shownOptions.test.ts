import fc from 'fast-check';
import { shownOptions } from '../../src/domain/shownOptions';

test('settings are shown, with secrets left out wherever they stand', () => {
  expect(
    shownOptions({
      interpreter: '/opt/r/bin/Rscript',
      warm: 4,
      networkOff: true,
      password: 'abc',
      url: 'rserve://analyst:abc@r.example:6311/?api_key=abc&timeout=5',
      dsn: 'host=db password=abc dbname=x',
      headers: { Authorization: 'Bearer abc', Accept: 'application/json' },
      query: { token: { env: 'MODELS_TOKEN', prefix: '' } },
      registry: [{ name: 'X-Api-Key', value: 'abc' }],
      credentials: ['abc', { of: 'abc' }],
      nothing: null,
    }),
  ).toEqual({
    interpreter: '/opt/r/bin/Rscript',
    warm: 4,
    networkOff: true,
    password: '***',
    url: 'rserve://analyst:***@r.example:6311/?api_key=***&timeout=5',
    dsn: 'host=db password=*** dbname=x',
    headers: { Authorization: '***', Accept: 'application/json' },
    query: { token: { env: 'MODELS_TOKEN', prefix: '' } },
    registry: [{ name: 'X-Api-Key', value: '***' }],
    credentials: '***',
    nothing: null,
  });
});

test('no text below a secret name is ever shown', () => {
  const secret = fc.string({ minLength: 8 }).map((text) => `§${text}§`);
  const name = fc.constantFrom('password', 'clientSecret', 'token', 'authorization', 'awsCredentials');
  fc.assert(
    fc.property(name, secret, fc.array(fc.constantFrom('a', 'list'), { maxLength: 6 }), (key, text, path) => {
      const options = path.reduce<unknown>((inner, step) => (step === 'list' ? [inner] : { [step]: inner }), {
        [key]: { deep: [text] },
      });
      expect(JSON.stringify(shownOptions({ options }))).not.toContain(JSON.stringify(text).slice(1, -1));
    }),
  );
});
