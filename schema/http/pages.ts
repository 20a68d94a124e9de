/** The pages a person opens: the landing page, and GraphiQL with its ready examples. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Router, type RequestHandler } from 'express';
import serveCompressed from 'express-static-gzip';
import type { ExampleOperation } from '../exampleOperations';

export interface PagesOptions {
  /** Where the built console lies: `landing/` and `graphiql/`. */
  readonly consoleDir: string;
  /** The ready operations of GraphiQL, asked for on each load of the page. */
  readonly examples: () => Promise<readonly ExampleOperation[]>;
}

const CONSOLE_MISSING =
  'The console is not built yet: run "npm run build" in the Stepcast folder, then start the API again.\n';

const YEAR_SECONDS = 31_536_000;

/** Nothing comes from elsewhere and no page elsewhere may frame ours. */
const LANDING_POLICY = contentSecurityPolicy({});

/**
 * Monaco sets styles from script, and GraphiQL's style sheet carries its fonts and cursors inline. Its workers are files of
 * this origin. `'self'` covers the WebSocket, too.
 */
const GRAPHIQL_POLICY = contentSecurityPolicy({
  'style-src': "'self' 'unsafe-inline'",
  'font-src': "'self' data:",
  'img-src': "'self' data:",
  'worker-src': "'self'",
});

/** Serves `/`, `/landing/…`, `/graphiql/…` and `/graphiql/examples.json`; every other path goes on to the next handler. */
export function pagesRouter(options: PagesOptions): Router {
  const router = Router({ strict: true });
  const landing = securityHeaders(LANDING_POLICY);
  const graphiql = securityHeaders(GRAPHIQL_POLICY);

  router.get('/graphiql/examples.json', graphiql, async (_request, response) => {
    response.set('Cache-Control', 'no-store').json(await options.examples());
  });

  if (!isBuilt(options.consoleDir)) {
    router.get(['/', '/graphiql', '/graphiql/'], landing, (_request, response) => {
      response.status(503).set('Cache-Control', 'no-store').type('text/plain').send(CONSOLE_MISSING);
    });
    return router;
  }

  const landingDir = path.join(options.consoleDir, 'landing');
  router.get('/', landing, (_request, response) => {
    response.set('Cache-Control', 'no-cache').sendFile('index.html', { root: landingDir, cacheControl: false });
  });
  router.use('/landing/', landing, files(landingDir, { immutable: false }));

  router.get('/graphiql', (request, response) => {
    const query = request.originalUrl.slice(request.path.length);
    response.redirect(308, `/graphiql/${query}`);
  });
  const graphiqlDir = path.join(options.consoleDir, 'graphiql');
  // Vite puts a hash of the content into each name below assets/.
  router.use('/graphiql/assets/', graphiql, files(path.join(graphiqlDir, 'assets'), { immutable: true }));
  router.use('/graphiql/', graphiql, files(graphiqlDir, { immutable: false }));
  return router;
}

function isBuilt(consoleDir: string): boolean {
  return ['landing', 'graphiql'].every((page) => existsSync(path.join(consoleDir, page, 'index.html')));
}

function files(root: string, { immutable }: { readonly immutable: boolean }): RequestHandler {
  return serveCompressed(root, {
    enableBrotli: true,
    orderPreference: ['br', 'gzip'],
    serveStatic: {
      cacheControl: false,
      redirect: false,
      setHeaders: (response) => {
        response.setHeader('Cache-Control', immutable ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache');
      },
    },
  });
}

function securityHeaders(policy: string): RequestHandler {
  return (_request, response, next) => {
    response.set({
      'Content-Security-Policy': policy,
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
    });
    next();
  };
}

function contentSecurityPolicy(more: Readonly<Record<string, string>>): string {
  const directives = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
    ...more,
  };
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}
