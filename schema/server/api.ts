/** One API process: HTTP, WebSocket, uploads, downloads, pages, health, on one port. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { isIP } from 'node:net';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expressMiddleware } from '@as-integrations/express5';
import express, { type NextFunction, type Request, type Response } from 'express';
import { sniffMediaType } from '../../src/artifacts/mediaType';
import { createLocalStore } from '../../src/artifacts/localStore';
import type { ConnectedSettings } from '../../src/config/settings';
import { createAnnouncer } from '../../src/delivery/announcer';
import { createWakeSender } from '../../src/delivery/beeQueues';
import { openPubSub } from '../../src/delivery/pubsub';
import { authorize, LOCAL_VIEWER } from '../../src/domain/authorize';
import { StepcastError } from '../../src/domain/errors';
import { define } from '../../src/engine/define';
import { watchCatalog } from '../../src/engine/catalog';
import { createDurations } from '../../src/engine/durations';
import { createPlans } from '../../src/engine/plans';
import { createLiveHub } from '../../src/live/hub';
import { openDatabase } from '../../src/store/database';
import { ArtifactRow, UploadRow } from '../../src/store/entities';
import { moveToLanes } from '../../src/store/statements/lanes';
import { putUserLimit } from '../../src/store/statements/limits';
import { forgetSent } from '../../src/store/statements/outbox';
import { completeUpload, findUpload } from '../../src/store/uploads';
import type { Context, Services } from '../context';
import { readinessRouter, unreadiness } from './readiness';
import { openScriptCheck } from '../definitions/scriptCheck';
import { serveFolders } from '../definitions/folders';
import { findDrawing } from '../graphs/drawings';
import { createGraphs } from '../graphs/graphs';
import { DEFAULT_GRAPH_DEPTH, DEFAULT_GRAPH_NODES } from '../graphs/types';
import { downloadsRouter } from '../http/downloads';
import { hooksRouter } from '../http/hooks';
import { graphsRouter } from '../http/graphs';
import { metricsRouter } from '../http/metrics';
import { pagesRouter } from '../http/pages';
import { uploadsRouter } from '../http/uploads';
import { readLoad } from '../workers/load';
import { readyOperations } from './examples';
import { createApollo } from './graphqlHttp';
import { serveWebSockets } from './graphqlWs';
import { startHousekeeping } from './housekeeping';
import { serveSchema } from './servedSchema';
import { allowedOrigin, isLoopback, refusalOf, type VisitorRules } from './visitors';

export type Log = (level: 'info' | 'warn' | 'error', message: string) => void;

export interface Api {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
}

export interface ApiOptions {
  readonly settings: ConnectedSettings;
  readonly secret: string;
  /** Folders with definition files. */
  readonly jobFolders: readonly string[];
  /** The built pages. */
  readonly consoleDir: string;
  readonly log: Log;
}

/** Starts to serve. Throws when the address cannot be taken or is refused, or Postgres does not answer. */
export async function startApi({ settings, secret, jobFolders, consoleDir, log }: ApiOptions): Promise<Api> {
  const loopbackOnly = requireLoopback(settings.host);
  const warn = (message: string): void => log('warn', message);
  const db = await openDatabase(settings.databaseUrl, {
    poolSize: 10,
    silenceSeconds: settings.databaseSilenceSeconds,
  });
  await db.migrate();
  if (await putUserLimit(db, settings.maxRunningPerUser ?? null)) await moveToLanes(db);
  const pubsub = await openPubSub(settings.redisUrl, (message) => warn(`Redis: ${message}`));
  const sender = createWakeSender(settings.redisUrl);
  const announcer = createAnnouncer({ pubsub, sender, forgetSent: (ids) => forgetSent(db, ids), onTrouble: warn });
  // The first look at the definitions finds at least the backend that is always there.
  await define({ db, announcer }, []);
  const catalog = await watchCatalog(db, warn);
  const store = createLocalStore(join(settings.home, 'artifacts'));
  const scratchDir = join(settings.home, 'scratch');
  await mkdir(scratchDir, { recursive: true });
  const hub = createLiveHub({ db, pubsub, bufferLimit: settings.subscriberBuffer });

  // A caller may come between the first moment the port is open and the last preparation: it is asked to wait.
  let answer: RequestListener = notYet;
  const httpServer = createServer((request, response) => answer(request, response));
  await listen(httpServer, settings.port, settings.host);
  const address = httpServer.address();
  const port = typeof address === 'object' && address !== null ? address.port : settings.port;
  const shownHost = isIP(settings.host) === 6 ? `[${settings.host}]` : settings.host;
  const url = `http://${shownHost}:${port}`;
  const publicUrl = (settings.publicUrl ?? url).replace(/\/+$/, '');

  const plans = createPlans(db);
  const scripts = openScriptCheck(settings);
  const services: Services = {
    db,
    plans,
    durations: createDurations(db, plans),
    announcer,
    hub,
    catalog,
    graphs: createGraphs(db),
    artifacts: store,
    checkScript: scripts.check,
    secret,
    publicUrl,
    scratchDir,
    reuse: settings.reuse,
    limits: {
      ...settings,
      admission: { lowerBeyond: settings.lowerBeyond ?? null, refuseBeyond: settings.refuseBeyond ?? null },
    },
  };
  const contextOf = (): Context => ({ viewer: LOCAL_VIEWER, services });
  const visitors: VisitorRules = { loopbackOnly, publicUrl, allowedOrigins: settings.allowedOrigins };
  const fault = (reference: string, error: unknown): void =>
    log('error', `${reference} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);

  const stopDefinitions = await pubsub.subscribe('definitions', () => void catalog.refresh());
  const served = serveSchema(catalog, warn);
  const folders = await serveFolders(services, jobFolders, warn);
  const apollo = createApollo({ served, limits: settings, httpServer, log: fault });
  await apollo.start();
  const sockets = serveWebSockets({
    httpServer,
    served,
    contextOf,
    refusal: (request: IncomingMessage) => (refusalOf(request, visitors) === null ? null : 403),
    limits: settings,
    log: fault,
  });

  const uploads = uploadsRouter({
    store,
    secret,
    maxBytes: settings.maxUploadBytes,
    partsDir: join(settings.home, 'artifacts', 'parts'),
    authorize: () => permit('upload'),
    uploads: {
      find: async (id) => {
        const row = await findUpload(db, id);
        return row && { ...row, maxBytes: Number(row.maxBytes) };
      },
      complete: async (id, stored) => {
        const row = await findUpload(db, id);
        const given = row?.mediaType ?? '';
        const mediaType = given === '' ? await sniffMediaType(store.localPath(stored.sha256), row?.name ?? '') : given;
        await completeUpload(db, id, { ...stored, mediaType });
      },
    },
    onError: (error) => fault('upload', error),
  });
  const downloads = downloadsRouter({
    store,
    secret,
    authorize: () => permit('download'),
    find: async ({ sha256, name }) => {
      const row =
        (await db.em().findOne(ArtifactRow, { sha256, name }, { orderBy: { id: 'desc' } })) ??
        (await db.em().findOne(UploadRow, { sha256, name }));
      return row && { mediaType: row.mediaType };
    },
    onError: (error) => fault('download', error),
  });
  const hooks = hooksRouter({
    services,
    secrets: settings.hookSecrets,
    maxBytes: settings.maxHookBytes,
    authorize: () => permit('hook'),
    onError: (error) => fault('hook', error),
  });
  const graphs = graphsRouter({
    secret,
    defaults: { first: DEFAULT_GRAPH_NODES, depth: DEFAULT_GRAPH_DEPTH },
    authorize: () => permit('graph'),
    find: (address, options) => findDrawing(services, address, options),
    onError: (error) => fault('graph', error),
  });
  const metrics = metricsRouter({
    read: () => readLoad(services, { here: settings.concurrency, elsewhere: settings.waitingConcurrency }),
    authorize: () => permit('metrics'),
    onError: (error) => fault('metrics', error),
  });
  const housekeeping = startHousekeeping({ services, store, uploads, settings, log });

  let stopping = false;
  const app = express();
  app.disable('x-powered-by');
  app.use(readinessRouter(async () => (stopping ? ['stopping'] : unreadiness(services, pubsub.isReady()))));
  app.use((request, response, next) => greet(request, response, next, visitors));
  app.use(
    '/graphql',
    express.json({ limit: settings.maxBodyBytes }),
    expressMiddleware(apollo, { context: () => Promise.resolve(contextOf()) }),
  );
  app.use(uploads.router);
  app.use(downloads);
  app.use(hooks);
  app.use(graphs);
  app.use(metrics);
  app.use(pagesRouter({ consoleDir, examples: () => readyOperations(catalog.current(), served.current()) }));
  app.use((_request, response) => {
    response
      .status(404)
      .json({ code: 'NOT_FOUND', message: 'There is nothing here. GraphQL is at /graphql, GraphiQL at /graphiql.' });
  });
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    answerError(error, response, next, fault);
  });
  answer = app;
  log('info', `serving on ${url}`);

  return {
    port,
    url,
    stop: async () => {
      stopping = true;
      await folders.close();
      await scripts.close();
      housekeeping.stop();
      await sockets.dispose();
      hub.close();
      await apollo.stop();
      httpServer.closeAllConnections();
      stopDefinitions();
      catalog.close();
      await announcer.flush();
      await Promise.all([sender.close(), pubsub.close()]);
      await db.close();
    },
  };
}

const notYet: RequestListener = (_request, response) => {
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1', connection: 'close' });
  response.end(JSON.stringify({ code: 'UNAVAILABLE', message: 'Stepcast is starting. Try again in a second.' }));
};

/** The authorization point for what is not GraphQL. */
function permit(action: 'upload' | 'download' | 'graph' | 'hook' | 'metrics'): Promise<void> {
  authorize(LOCAL_VIEWER, { action });
  return Promise.resolve();
}

/** Without keys, whoever reaches the port may run commands: so nobody else's machine may reach it. */
function requireLoopback(host: string): true {
  if (isLoopback(host)) return true;
  throw new StepcastError(
    'CONFIGURATION',
    `HOST is ${host}, which other machines can reach, and this version has no access keys yet: anyone who reaches it could run commands. Use HOST=127.0.0.1, and a proxy that authenticates in front of it.`,
  );
}

function listen(server: ReturnType<typeof createServer>, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        new StepcastError(
          'CONFIGURATION',
          taken
            ? `Port ${port} on ${host} is taken by another program: choose another one with PORT.`
            : `Port ${port} on ${host} cannot be used: ${error.message}.`,
          { cause: error },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
}

function greet(request: Request, response: Response, next: NextFunction, rules: VisitorRules): void {
  const refusal = refusalOf(request, rules);
  if (refusal !== null) {
    response.status(403).json({ code: 'FORBIDDEN', message: refusal });
    return;
  }
  const origin = allowedOrigin(request, rules);
  if (origin !== null) {
    response.set({
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Methods': 'GET, POST, PUT, PATCH, HEAD, DELETE, OPTIONS',
      'Access-Control-Allow-Headers':
        request.get('access-control-request-headers') ?? 'content-type, apollo-require-preflight',
      'Access-Control-Expose-Headers': 'Location, Upload-Offset, Upload-Length, Tus-Resumable, Content-Range',
      'Access-Control-Max-Age': '600',
      Vary: 'Origin',
    });
    if (request.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined) {
      response.status(204).end();
      return;
    }
  }
  next();
}

function answerError(
  error: unknown,
  response: Response,
  next: NextFunction,
  fault: (reference: string, error: unknown) => void,
): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const status = (error as { status?: unknown }).status;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    const message = status === 413 ? 'The request is too large.' : 'The request could not be read.';
    response.status(status).json({ code: status === 413 ? 'LIMIT_EXCEEDED' : 'BAD_INPUT', message });
    return;
  }
  fault('http', error);
  response.status(500).json({ code: 'INTERNAL', message: 'Something went wrong on the server. Try again later.' });
}
