/** GraphQL over WebSocket (the graphql-transport-ws protocol): subscriptions, on the port of HTTP. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  execute,
  GraphQLError,
  specifiedRules,
  subscribe,
  validate,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
} from 'graphql';
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

const STATUS_TEXT: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
};

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
  const masked = (result: ExecutionResult): FormattedExecutionResult | undefined =>
    result.errors && { ...result, errors: result.errors.map((error) => maskError(error.toJSON(), error, log)) };

  const server = useServer<Record<string, unknown>, { request: IncomingMessage }>(
    {
      schema: () => served.current(),
      context: (ctx) => options.contextOf(ctx.extra.request),
      validate: (schema, document) => validate(schema, document, rules),
      execute: checked(execute),
      subscribe: checked(subscribeSafely),
      onSubscribe: (ctx) => {
        // The new operation is not counted yet.
        if (Object.keys(ctx.subscriptions).length <= limits.maxSubscriptionsPerConnection) return undefined;
        return [limitError(`A connection carries at most ${limits.maxSubscriptionsPerConnection} operations at once.`)];
      },
      onNext: (_ctx, _id, _payload, _args, result) => masked(result),
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

/** A stream that breaks tells so as a result, which is masked; thrown on, its text would become a close reason. */
async function subscribeSafely(
  args: ExecutionArgs,
): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
  const stream = await subscribe(args);
  if (!(Symbol.asyncIterator in stream)) return stream;
  let broken = false;
  // By hand, since an async generator that waits could not be ended before its next item.
  const safe: AsyncGenerator<ExecutionResult, void, void> = {
    next: async () => {
      if (broken) return { done: true, value: undefined };
      try {
        return await stream.next();
      } catch (error) {
        broken = true;
        const origin = error instanceof Error ? error : new Error(String(error));
        return { done: false, value: { errors: [new GraphQLError('the stream broke', { originalError: origin })] } };
      }
    },
    return: () => stream.return(undefined),
    throw: (error: unknown) => stream.throw(error),
    [Symbol.asyncIterator]: () => safe,
    [Symbol.asyncDispose]: async () => {
      await stream.return(undefined);
    },
  };
  return safe;
}
