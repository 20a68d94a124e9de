/** The written form of a Backend of kind HTTP. */
import { z } from 'zod';
import type { HttpOptions } from '../../../domain/backends/http';
import { form } from '../form';
import { durationForm, sizeForm, someTimeForm } from '../units';
import { settingTextForm } from './secret';

const MAX_REDIRECTS = 20;

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: 'is not the name of a header' });

/** These say where a request goes and how it is framed, which is not for a definition to say. */
export const FORBIDDEN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const refuse = (context: z.RefinementCtx, message: string, hint: string): void =>
  context.addIssue({ code: 'custom', message, params: { hint } });

/** Headers by name, with any form of value. */
export function headersForm<T>(value: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z.record(headerName, value).superRefine((headers, context) => {
    for (const name of Object.keys(headers))
      if (FORBIDDEN_HEADERS.has(name.toLowerCase()))
        refuse(context, `the header ${name} is set by Stepcast itself`, 'Remove it.');
  });
}

const baseUrlForm = z.string().transform((text, context): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    refuse(context, 'is not the URL of a service', 'Such as https://models.example.org/v1.');
  else if (url.username !== '' || url.password !== '')
    refuse(
      context,
      'holds a user or password',
      'Put it into headers, from a variable: Authorization: { env: SERVICE_LOGIN, prefix: "Basic " }.',
    );
  else if (url.search !== '' || url.hash !== '')
    refuse(context, 'has a query or fragment', 'Put what follows the ? into query.');
  else return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
  return z.NEVER;
});

const internalForm = z.string().regex(/^(\*\.)?[A-Za-z0-9._-]+$|^[0-9A-Fa-f:.]+(\/\d{1,3})?$/, {
  error: 'is neither a host name nor an address nor a network such as 10.0.0.0/8',
});

export const httpForm: z.ZodType<HttpOptions> = form({
  'base-url': baseUrlForm.optional(),
  headers: headersForm(settingTextForm).default({}),
  query: z.record(z.string().min(1), settingTextForm).default({}),
  'allow-internal': z.array(internalForm).default([]),
  'health-path': z
    .string()
    .regex(/^\/[^\s#]*$/, { error: 'is not a path that begins with a slash' })
    .optional(),
  'connect-timeout': someTimeForm.default(10),
  'idle-timeout': someTimeForm.default(300),
  'max-response': sizeForm.default(1024 ** 3),
  'max-redirects': z.int().min(0).max(MAX_REDIRECTS).default(5),
  'max-wait': durationForm.default(60),
}).transform((written, context): HttpOptions => {
  const { 'base-url': baseUrl, 'health-path': healthPath, headers, query } = written;
  if (baseUrl === undefined && Object.keys({ ...headers, ...query }).length > 0)
    refuse(context, 'headers and query go to base-url alone, and there is none', 'Add base-url.');
  if (baseUrl === undefined && healthPath !== undefined)
    refuse(context, 'health-path lies below base-url, and there is none', 'Add base-url.');
  return {
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(healthPath === undefined ? {} : { healthPath }),
    headers,
    query,
    allowInternal: written['allow-internal'],
    connectTimeoutSeconds: written['connect-timeout'],
    idleTimeoutSeconds: written['idle-timeout'],
    maxResponseBytes: written['max-response'],
    maxRedirects: written['max-redirects'],
    maxWaitSeconds: written['max-wait'],
  };
});
