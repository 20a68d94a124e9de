/** Incoming webhooks: `POST /hooks/<trigger>`, a signed JSON body. A call is stored before it is answered, and never taken twice. */
import express, { Router, type Request, type Response } from 'express';
import type { NamedSecret } from '../../src/config/formats';
import { StepcastError } from '../../src/domain/errors';
import { FIRINGS_KEPT, type TriggerSpec } from '../../src/domain/firing';
import { HOOK_WINDOW_SECONDS, hookRefusal } from '../../src/domain/webhook';
import { FiringRow } from '../../src/store/entities';
import { lockFirer } from '../../src/store/statements/firers';
import { callsInLastMinute, databaseNow, insertFirings, takeFiring } from '../../src/store/statements/firings';
import type { Services } from '../context';
import { fire } from '../firings/fire';
import { LEASE_SECONDS } from '../firings/loop';
import { toId } from '../relay/ids';
import { refuse } from './replies';

export interface HooksOptions {
  readonly services: Services;
  readonly secrets: readonly NamedSecret[];
  /** Of one body. */
  readonly maxBytes: number;
  /** The one authorization point; throws FORBIDDEN. Called after the signature holds. */
  readonly authorize: () => Promise<void>;
  /** Told of failures that are not the caller's. */
  readonly onError: (error: unknown) => void;
}

/** The rate of calls is counted by the minute. */
const RETRY_AFTER_SECONDS = 60;

type Webhook = TriggerSpec & { readonly on: Extract<TriggerSpec['on'], { kind: 'WEBHOOK' }> };

/** Serves `/hooks/…`; every other path goes on to the next handler. */
export function hooksRouter(options: HooksOptions): Router {
  const router = Router({ strict: true });
  router.post(
    '/hooks/:name',
    express.raw({ type: () => true, limit: options.maxBytes, inflate: false }),
    async (request, response) => {
      try {
        await take(options, request, response);
      } catch (error) {
        if (!(error instanceof StepcastError)) options.onError(error);
        if (error instanceof StepcastError && error.code === 'LIMIT_EXCEEDED') {
          response.status(429).set('Retry-After', String(RETRY_AFTER_SECONDS));
          response.json({ code: error.code, message: error.message });
        } else refuse(response, error);
      }
    },
  );
  return router;
}

async function take(options: HooksOptions, request: Request, response: Response): Promise<void> {
  const { services } = options;
  const trigger = webhookNamed(services, String(request.params['name']));
  const body: Buffer = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const signature = request.get('stepcast-signature');
  const call = { timestamp: request.get('stepcast-timestamp'), signature, body };
  const now = Math.floor(await databaseNow(services.db));
  const secrets = options.secrets.filter(({ name }) => name === trigger.on.secret).map(({ secret }) => secret);
  if (secrets.length === 0) {
    throw new StepcastError(
      'UNAVAILABLE',
      `The secret "${trigger.on.secret}" of this webhook is not set. Its operator adds it to STEPCAST_HOOK_SECRETS.`,
    );
  }
  const refusal = hookRefusal(call, secrets, now);
  if (refusal !== null) throw new StepcastError('FORBIDDEN', REFUSALS[refusal]);
  await options.authorize();

  const text = jsonText(body);
  const id = await storeCall(services, trigger, { key: signature ?? '', now, body: text });
  const firing = await takeFiring(services.db, id, LEASE_SECONDS);
  // It is stored: whatever goes wrong from here on, it is taken up again.
  if (firing) await fire(services, firing).catch(options.onError);
  await answer(services, id, response);
}

const REFUSALS = {
  unsigned:
    'The call is not signed: send Stepcast-Timestamp (seconds since 1970) and Stepcast-Signature (sha256=, and the HMAC-SHA256 in hex of the timestamp, a dot and the body).',
  stale: `The call was signed more than ${HOOK_WINDOW_SECONDS} seconds ago, or by a clock that is ahead. Sign it again.`,
  forged: 'The signature does not fit the timestamp and the body.',
} as const;

function webhookNamed(services: Services, name: string): Webhook {
  const spec = services.catalog.current().triggers.get(name)?.spec;
  if (spec?.enabled === true && spec.on.kind === 'WEBHOOK') return { ...spec, on: spec.on };
  throw new StepcastError('NOT_FOUND', 'There is no webhook of this name.');
}

/** The body as text, which must be JSON in UTF-8; an empty one is `null`. */
function jsonText(body: Buffer): string {
  if (body.length === 0) return 'null';
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    JSON.parse(text);
    return text;
  } catch {
    throw new StepcastError('BAD_INPUT', 'The body is not JSON in UTF-8.');
  }
}

/** Throws CONFLICT for a call that was taken before, LIMIT_EXCEEDED for too many, UNAVAILABLE during a pause. */
async function storeCall(
  services: Services,
  trigger: Webhook,
  { key, now, body }: { readonly key: string; readonly now: number; readonly body: string },
): Promise<string> {
  const firer = { kind: 'TRIGGER', name: trigger.name } as const;
  return services.db.transaction(async (sql) => {
    const locked = await lockFirer(sql, firer);
    if (!locked || locked.removed)
      throw new StepcastError('UNAVAILABLE', 'This webhook is being set up. Try again in a second.');
    if (locked.paused) throw new StepcastError('UNAVAILABLE', 'This webhook is paused. Try again later.');
    const limit = Math.min(trigger.on.perMinute, FIRINGS_KEPT);
    const id = (
      await insertFirings(sql, firer, [{ key, time: now, state: 'DUE', body, leaseSeconds: LEASE_SECONDS }])
    ).get(key);
    if (id === undefined) throw new StepcastError('CONFLICT', 'This call was taken before. Sign each call anew.');
    if ((await callsInLastMinute(sql, trigger.name)) > limit)
      throw new StepcastError('LIMIT_EXCEEDED', `This webhook takes ${limit} calls in a minute. Try again later.`);
    return id;
  });
}

async function answer(services: Services, id: string, response: Response): Promise<void> {
  const row = await services.db.em().findOne(FiringRow, { id });
  const state = row?.state ?? 'DUE';
  const body = {
    firing: toId('Firing', id),
    state,
    submission: row?.submissionId == null ? null : toId('Submission', row.submissionId),
    message: row?.message ?? '',
  };
  const refused = state === 'REFUSED' || state === 'SKIPPED';
  response
    .status(refused ? 422 : 202)
    .set('Cache-Control', 'no-store')
    .json(refused ? { code: 'BAD_INPUT', ...body } : body);
}
