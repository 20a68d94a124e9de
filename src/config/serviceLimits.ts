import { wholeNumber } from './formats';
import { optional, variable } from './variable';

/** The variables that bound the service as a whole, over all calls. */
export const SERVICE_LIMITS = {
  maxConnections: variable({
    name: 'STEPCAST_MAX_CONNECTIONS',
    group: 'Limits of the service',
    meaning: 'Open WebSocket connections of one API process.',
    fallback: '10000',
    schema: wholeNumber(1, 1_000_000),
  }),
  maxSubscriptionsPerConnection: variable({
    name: 'STEPCAST_MAX_SUBSCRIPTIONS_PER_CONNECTION',
    group: 'Limits of the service',
    meaning: 'Subscriptions on one WebSocket connection.',
    fallback: '100',
    schema: wholeNumber(1, 100_000),
  }),
  subscriberBuffer: variable({
    name: 'STEPCAST_SUBSCRIBER_BUFFER',
    group: 'Limits of the service',
    meaning: 'Events held for one slow subscriber; beyond this it reads from the database when it is ready again.',
    fallback: '256',
    schema: wholeNumber(1, 100_000),
  }),
  maxRunningPerUser: variable({
    name: 'STEPCAST_MAX_RUNNING_PER_USER',
    group: 'Limits of the service',
    meaning: 'Steps of one submitter that may run at once, over all workers; the rest wait.',
    fallbackText: 'no limit',
    schema: optional(wholeNumber(1, 1_000_000)),
  }),
  reuseDays: variable({
    name: 'STEPCAST_REUSE_DAYS',
    group: 'Limits of the service',
    meaning: 'Days after which a result that no step took is no longer taken for equal work.',
    fallback: '90',
    schema: wholeNumber(1, 36_500),
  }),
  reuseEntries: variable({
    name: 'STEPCAST_REUSE_ENTRIES',
    group: 'Limits of the service',
    meaning: 'Results that can be taken for equal work; above it, those that were not taken for longest are let go.',
    fallback: '1000000',
    schema: wholeNumber(1, 1_000_000_000),
  }),
  lowerBeyond: variable({
    name: 'STEPCAST_LOWER_BEYOND',
    group: 'Limits of the service',
    meaning: 'Open submissions of one submitter; further ones get the next lower priority than they ask for.',
    fallbackText: 'no limit',
    schema: optional(wholeNumber(1, 100_000_000)),
  }),
  refuseBeyond: variable({
    name: 'STEPCAST_REFUSE_BEYOND',
    group: 'Limits of the service',
    meaning: 'Open submissions of one submitter; further ones are refused, and told when to try again.',
    fallbackText: 'no limit',
    schema: optional(wholeNumber(1, 100_000_000)),
  }),
  maxQueued: variable({
    name: 'STEPCAST_MAX_QUEUED',
    group: 'Limits of the service',
    meaning: 'Steps that may wait at once, over all submissions; further submissions are refused until some have run.',
    fallback: '100000',
    schema: wholeNumber(1, 100_000_000),
  }),
} as const;
