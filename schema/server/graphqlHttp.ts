/** GraphQL over HTTP: Apollo Server on a schema that changes while it runs. */
import type { GatewayInterface } from '@apollo/server-gateway-interface';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import type { Server } from 'node:http';
import { execute } from 'graphql';
import type { Context } from '../context';
import { maskError, type FaultLog } from './errors';
import { costError, limitRules, type OperationLimits } from './limits';
import type { ServedSchema } from './servedSchema';

/**
 * Apollo's gateway interface is its way to follow a schema: it validates against the newest one and hands the document
 * back for execution, which here is plain graphql-js.
 */
function followSchema(served: ServedSchema, limits: OperationLimits): GatewayInterface {
  const stops: (() => void)[] = [];
  return {
    onSchemaLoadOrUpdate: (callback) => {
      const tell = (): void => callback({ apiSchema: served.current(), coreSupergraphSdl: '' });
      tell();
      const stop = served.onChange(tell);
      stops.push(stop);
      return stop;
    },
    load: () =>
      Promise.resolve({
        executor: async ({ schema, document, operationName, request, context }) => {
          const tooMuch = costError(schema, { document, operationName, variables: request.variables }, limits.maxCost);
          if (tooMuch) return { errors: [tooMuch] };
          return execute({ schema, document, operationName, variableValues: request.variables, contextValue: context });
        },
      }),
    stop: () => {
      for (const stop of stops) stop();
      return Promise.resolve();
    },
  };
}

export function createApollo(options: {
  readonly served: ServedSchema;
  readonly limits: OperationLimits;
  readonly httpServer: Server;
  readonly log: FaultLog;
}): ApolloServer<Context> {
  return new ApolloServer<Context>({
    gateway: followSchema(options.served, options.limits),
    validationRules: limitRules(options.limits),
    introspection: true,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    stopOnTerminationSignals: false,
    formatError: (formatted, error) => maskError(formatted, error, options.log),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginDrainHttpServer({ httpServer: options.httpServer, stopGracePeriodMillis: 2_000 }),
    ],
  });
}
