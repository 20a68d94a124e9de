/** Graphs as images, at signed addresses: `GET /graphs/<kind>/<id>.svg?expires=…&signature=…&first=…&depth=…`. */
import { Router, type Request, type Response } from 'express';
import { verifySignedPath } from '../../src/artifacts/signing';
import { StepcastError } from '../../src/domain/errors';
import type { GraphOptions } from '../../src/domain/graphView';
import { graphAddress, graphPath, type GraphAddress } from '../graphs/address';
import { refuse } from './replies';

export interface GraphsRouterOptions {
  readonly secret: string;
  /** How much of a graph is drawn when the address does not say. */
  readonly defaults: GraphOptions;
  /** The one authorization point; throws FORBIDDEN. Called for every image, after the signature holds. */
  readonly authorize: (request: Request) => Promise<void>;
  /** Null when there is no such graph. `draw` is called only when the caller does not have it yet. */
  readonly find: (
    address: GraphAddress,
    options: GraphOptions,
  ) => Promise<{ readonly tag: string; draw(): Promise<string> } | null>;
  /** Told of failures that are not the client's. */
  readonly onError?: (error: unknown) => void;
}

/** The image holds rules of style and nothing else that a browser would load or run. Any page may show it. */
const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Referrer-Policy': 'no-referrer',
  // Kept, but asked for again each time: with the tag, that costs one row of the database.
  'Cache-Control': 'no-cache',
};

/** Serves `/graphs/…`; every other path goes on to the next handler. */
export function graphsRouter(options: GraphsRouterOptions): Router {
  const router = Router({ strict: true });
  router.get('/graphs/:kind/:file', async (request, response) => {
    response.set(HEADERS);
    try {
      await serve(options, request, response);
    } catch (error) {
      if (!(error instanceof StepcastError)) options.onError?.(error);
      response.removeHeader('ETag');
      refuse(response, error);
    }
  });
  return router;
}

async function serve(options: GraphsRouterOptions, request: Request, response: Response): Promise<void> {
  const address = graphAddress(String(request.params['kind']), String(request.params['file']));
  if (!address) throw new StepcastError('NOT_FOUND', 'There is no such graph.');
  const { expires, signature, first, depth } = request.query;
  const signed = { action: 'get', path: graphPath(address), expires, signature } as const;
  const check = verifySignedPath(options.secret, signed);
  if (!check.valid) throw new StepcastError('FORBIDDEN', REFUSALS[check.reason]);
  await options.authorize(request);
  const { defaults } = options;
  const found = await options.find(address, {
    first: first === undefined ? defaults.first : Number(first),
    depth: depth === undefined ? defaults.depth : Number(depth),
  });
  if (found === null) throw new StepcastError('NOT_FOUND', 'What this graph shows does not exist any more.');
  response.set('ETag', `"${found.tag}"`);
  if (request.fresh) {
    response.status(304).end();
    return;
  }
  const image = await found.draw();
  response.type('image/svg+xml').send(image);
}

const REFUSALS = {
  expired: 'This address of a graph is past its time. Ask for a new one.',
  tampered: 'This address of a graph is not valid. Ask for a new one, and use it unchanged.',
} as const;
