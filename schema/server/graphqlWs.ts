/** GraphQL over WebSocket (the graphql-transport-ws protocol): subscriptions, on the port of HTTP. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { execute, specifiedRules, subscribe, validate, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { Context } from '../context';
import { limitError, maskError, type FaultLog } from './errors';
import { costError, limitRules, type OperationLimits } from './limits';
import type { ServedSchema } from './servedSchema';

export interface WsOptions {
  readonly httpServer: Server;
  readonly served: ServedSchema;
  readonly contextOf: (request: IncomingMessage) => Context;
  /** Why a connection is refused, as an HTTP status; null lets it in. */
  readonly refusal: (request: IncomingMessage) => number | null;
  readonly limits: OperationLimits & {
    readonly maxBodyBytes: number;
    readonly maxConnections: number;
    readonly maxSubscriptionsPerConnection: number;
  };
  readonly log: FaultLog;
}

const STATUS_TEXT: Readonly<Record<number, string>> = { 403: 'Forbidden', 404: 'Not Found', 503: 'Service Unavailable' };

/** Serves `/graphql` for upgrades. Returns how to end all connections. */
export function serveWebSockets(options: WsOptions): { dispose(): Promise<void>; connections(): number } {
  const { httpServer, served, limits, log } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.maxBodyBytes });
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const full = sockets.clients.size >= limits.maxConnections ? 503 : null;
    const path = (request.url ?? '').split('?')[0];
    const refused = path === '/graphql' ? (options.refusal(request) ?? full) : 404;
    if (refused !== null) {
      socket.end(`HTTP/1.1 ${refused} ${STATUS_TEXT[refused] ?? 'Refused'}\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
  };
  httpServer.on('upgrade', onUpgrade);

  const rules = [...specifiedRules, ...limitRules(limits)];
  const checked =
    <Result>(run: (args: ExecutionArgs) => Result) =>
    (args: ExecutionArgs): Result | ExecutionResult => {
      const { schema, document, operationName, variableValues } = args;
      const tooMuch = costError(schema, { document, operationName, variables: variableValues }, limits.maxCost);
      return tooMuch ? { errors: [tooMuch] } : run(args);
    };
  const masked = (result: ExecutionResult): ExecutionResult =>
    result.errors ? { ...result, errors: result.errors.map((error) => maskedError(error, log)) } : result;

  const server = useServer<Record<string, unknown>, { request: IncomingMessage }>(
    {
      schema: () => served.current(),
      context: (ctx) => options.contextOf(ctx.extra.request),
      validate: (schema, document) => validate(schema, document, rules),
      execute: checked(execute),
      subscribe: checked(subscribe),
      onSubscribe: (ctx) => {
        // The new operation is not counted yet.
        if (Object.keys(ctx.subscriptions).length <= limits.maxSubscriptionsPerConnection) return undefined;
        return [limitError(`A connection carries at most ${limits.maxSubscriptionsPerConnection} operations at once.`)];
      },
      onOperation: (_ctx, _id, _payload, _args, result) =>
        'errors' in result && !(Symbol.asyncIterator in result) ? masked(result as ExecutionResult) : undefined,
      onNext: (_ctx, _id, _payload, _args, result) => masked(result as ExecutionResult),
      onError: (_ctx, _id, _payload, errors) => errors.map((error) => maskError(error.toJSON?.() ?? error, error, log)),
    },
    sockets,
  );
  return {
    dispose: async () => {
      httpServer.off('upgrade', onUpgrade);
      await server.dispose();
    },
    connections: () => sockets.clients.size,
  };
}

function maskedError(error: Parameters<typeof maskError>[1] & { toJSON(): Parameters<typeof maskError>[0] }, log: FaultLog): never {
  // graphql-ws passes results on as JSON; a formatted error is all that is needed there.
  return maskError(error.toJSON(), error, log) as never;
}
