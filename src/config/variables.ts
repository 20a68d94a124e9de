import path from 'node:path';
import { z } from 'zod';
import { folders, namedSecrets, onOrOff, origins, url, webAddress, wholeNumber } from './formats';
import { SERVICE_LIMITS } from './serviceLimits';
import { WORKER_VARIABLES } from './workerVariables';
import { bytes, optional, variable } from './variable';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;
const HOUR_SECONDS = 3_600;

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** Every variable that is read, by the name of its value in `Settings`. */
export const VARIABLES = {
  port: variable({
    name: 'PORT',
    group: 'Service',
    meaning: 'TCP port of the API; 0 takes a free one.',
    fallback: '4000',
    schema: wholeNumber(0, 65_535),
    flag: 'port',
  }),
  host: variable({
    name: 'HOST',
    group: 'Service',
    meaning: 'Address the API listens on. There are no access keys yet, so only this machine is allowed.',
    fallback: '127.0.0.1',
    schema: z
      .string()
      .refine(
        (host) => LOOPBACK.includes(host),
        'one of 127.0.0.1, ::1 and localhost: without access keys everybody who reaches the port could run commands, ' +
          'so put a proxy that checks who calls in front',
      ),
    flag: 'host',
  }),
  home: variable({
    name: 'STEPCAST_HOME',
    group: 'Service',
    meaning: 'The one folder that holds all data: database, results, logs.',
    fallback: '.stepcast',
    schema: z.string().transform((text) => path.resolve(text)),
    flag: 'home',
  }),
  databaseUrl: variable({
    name: 'DATABASE_URL',
    group: 'Service',
    meaning: 'A Postgres to use; without it `npm start` starts one of its own below STEPCAST_HOME.',
    fallbackText: 'own Postgres',
    schema: optional(url(['postgres', 'postgresql'], 'postgresql://user:password@host:5432/database')),
    confidential: true,
  }),
  redisUrl: variable({
    name: 'REDIS_URL',
    group: 'Service',
    meaning: 'A Redis to use, `rediss://` for TLS; without it `npm start` starts one of its own below STEPCAST_HOME.',
    fallbackText: 'own Redis',
    schema: optional(url(['redis', 'rediss'], 'redis://:password@host:6379/0')),
    confidential: true,
  }),
  jobFolders: variable({
    name: 'STEPCAST_JOBS',
    group: 'Service',
    meaning: `Folders with job files, besides \`examples/\`, separated by \`${path.delimiter}\`. They are watched.`,
    fallback: '',
    fallbackText: 'none',
    schema: folders(),
    flag: 'jobs',
  }),
  allowedOrigins: variable({
    name: 'STEPCAST_ALLOWED_ORIGINS',
    group: 'Service',
    meaning: 'Web origins, separated by commas, whose pages may call the API from a browser; `*` allows every one.',
    fallback: '',
    fallbackText: 'its own pages',
    schema: origins(),
  }),
  publicUrl: variable({
    name: 'STEPCAST_PUBLIC_URL',
    group: 'Service',
    meaning: 'The address under which callers reach the API; download and upload links start with it.',
    fallbackText: '`http://HOST:PORT`',
    schema: optional(webAddress()),
  }),
  secret: variable({
    name: 'STEPCAST_SECRET',
    group: 'Service',
    meaning: 'Signs links. API processes on several machines need the same one.',
    fallbackText: 'made once, kept in `secret` in STEPCAST_HOME',
    schema: optional(z.string().min(32, 'a text of at least 32 characters')),
    confidential: true,
  }),
  hookSecrets: variable({
    name: 'STEPCAST_HOOK_SECRETS',
    group: 'Service',
    meaning:
      'Secrets that sign calls of webhooks: `name=secret`, separated by commas. A name may stand twice while a secret is changed: both are good then.',
    fallback: '',
    fallbackText: 'none',
    schema: namedSecrets(),
    confidential: true,
  }),
  databaseSilenceSeconds: variable({
    name: 'STEPCAST_DATABASE_SILENCE_SECONDS',
    group: 'Service',
    meaning:
      'Seconds without an answer after which a connection to Postgres is given up; also the longest one statement may take.',
    fallback: '30',
    schema: wholeNumber(2, HOUR_SECONDS),
  }),
  logLevel: variable({
    name: 'STEPCAST_LOG_LEVEL',
    group: 'Service',
    meaning: 'How much is logged: silent, error, warn, info, debug or trace.',
    fallback: 'info',
    schema: z
      .string()
      .pipe(
        z.enum(
          ['silent', 'error', 'warn', 'info', 'debug', 'trace'],
          'one of silent, error, warn, info, debug and trace',
        ),
      ),
  }),
  urlTtlSeconds: variable({
    name: 'STEPCAST_URL_TTL_SECONDS',
    group: 'Service',
    meaning: 'Seconds for which a signed link works.',
    fallback: '900',
    schema: wholeNumber(10, 7 * 24 * HOUR_SECONDS),
  }),

  ...WORKER_VARIABLES,
  reuse: variable({
    name: 'STEPCAST_REUSE',
    group: 'Workers',
    meaning: 'Whether a step takes the result of equal work that was done before: on or off.',
    fallback: 'on',
    schema: onOrOff(),
  }),
  maxScatter: variable({
    name: 'STEPCAST_MAX_SCATTER',
    group: 'Workers',
    meaning: 'Elements that one scatter may have; one that has more fails.',
    fallback: '1000000',
    schema: wholeNumber(1, 100_000_000),
  }),
  expressionMs: variable({
    name: 'STEPCAST_EXPRESSION_MS',
    group: 'Limits of one call',
    meaning: 'Milliseconds that one evaluation of an expression may take.',
    fallback: '1000',
    schema: wholeNumber(10, 600_000),
  }),
  expressionMemoryBytes: variable({
    name: 'STEPCAST_EXPRESSION_MEMORY',
    group: 'Limits of one call',
    meaning: 'Memory that one evaluation of an expression may take, with the data that it is given.',
    ...bytes(64 * MIB, 4 * MIB, GIB),
  }),
  expressionResultCharacters: variable({
    name: 'STEPCAST_EXPRESSION_RESULT',
    group: 'Limits of one call',
    meaning: 'Characters that the result of an expression may have, written as JSON.',
    fallback: String(MIB),
    schema: wholeNumber(100, 64 * MIB),
  }),
  maxUploadBytes: variable({
    name: 'STEPCAST_MAX_UPLOAD_BYTES',
    group: 'Limits of one call',
    meaning: 'Size of one uploaded file.',
    ...bytes(5 * GIB, KIB, 100 * TIB),
  }),
  maxInlineBytes: variable({
    name: 'STEPCAST_MAX_INLINE_BYTES',
    group: 'Limits of one call',
    meaning: 'Size of data given as text inside a call; larger data is uploaded.',
    ...bytes(512 * KIB, KIB, 64 * MIB),
  }),
  maxBodyBytes: variable({
    name: 'STEPCAST_MAX_BODY_BYTES',
    group: 'Limits of one call',
    meaning: 'Size of one GraphQL request.',
    ...bytes(MIB, 16 * KIB, 128 * MIB),
  }),
  maxHookBytes: variable({
    name: 'STEPCAST_MAX_HOOK_BYTES',
    group: 'Limits of one call',
    meaning: 'Size of the body of one call of a webhook.',
    ...bytes(256 * KIB, KIB, 16 * MIB),
  }),
  maxDepth: variable({
    name: 'STEPCAST_MAX_DEPTH',
    group: 'Limits of one call',
    meaning: 'Levels of fields in one operation.',
    fallback: '12',
    schema: wholeNumber(1, 100),
  }),
  maxAliases: variable({
    name: 'STEPCAST_MAX_ALIASES',
    group: 'Limits of one call',
    meaning: 'Aliases in one operation.',
    fallback: '30',
    schema: wholeNumber(0, 10_000),
  }),
  maxCost: variable({
    name: 'STEPCAST_MAX_COST',
    group: 'Limits of one call',
    meaning: 'Cost of one operation, which grows with its fields and their depth.',
    fallback: '20000',
    schema: wholeNumber(100, 10_000_000),
  }),
  maxBatch: variable({
    name: 'STEPCAST_MAX_BATCH',
    group: 'Limits of one call',
    meaning: 'Submissions in one batch.',
    fallback: '1000',
    schema: wholeNumber(1, 100_000),
  }),
  pageLimit: variable({
    name: 'STEPCAST_PAGE_LIMIT',
    group: 'Limits of one call',
    meaning: 'Entries in one page of a list.',
    fallback: '200',
    schema: wholeNumber(1, 10_000),
  }),

  ...SERVICE_LIMITS,

  serverUrl: variable({
    name: 'STEPCAST_URL',
    group: 'Command line',
    meaning: 'The server that the `stepcast` command talks to; its flag `--url` wins.',
    fallback: 'http://127.0.0.1:4000',
    schema: webAddress(),
  }),
} as const;
