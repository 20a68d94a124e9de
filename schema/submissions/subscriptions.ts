/** The live streams: replay first, then what comes. */
import { Arg, Ctx, Float, ID, Int, Resolver, Root, Subscription } from 'type-graphql';
import { StepcastError } from '../../src/domain/errors';
import type { SubmissionEvent } from '../../src/domain/events';
import type { ActivityEvent } from '../../src/store/statements/events';
import type { LogChunk } from '../../src/store/statements/logs';
import type { Context } from '../context';
import { fromId } from '../relay/ids';
import { cursorText, parseCursorText } from './activityCursor';
import * as reads from './reads';
import {
  ActivityEventType,
  EventType,
  LogChunkType,
  SubmissionType,
  toActivityEvent,
  toEvent,
  toLogChunk,
} from './types';

@Resolver()
export class SubmissionSubscriptions {
  @Subscription(() => SubmissionType, {
    description: 'The Submission as it stands, now and after each change, until it ends.',
    subscribe: ({ args, context }) =>
      (context as Context).services.hub.submissionChanges(fromId('Submission', (args as { id: string }).id)),
    name: 'submission',
  })
  submissionLive(
    @Arg('id', () => ID, { description: 'The Submission.' }) id: string,
    @Ctx() { services }: Context,
  ): Promise<SubmissionType> {
    return reads.getSubmission(services.db, fromId('Submission', id));
  }

  @Subscription(() => EventType, {
    description:
      'The Events of a Submission after a number: first those there are, then each as it happens; in order, none missing, none twice, until it ends.',
    subscribe: async ({ args, context }) => {
      const { id, after } = args as { id: string; after?: number | null };
      const { db, hub } = (context as Context).services;
      const key = fromId('Submission', id);
      if (!(await reads.findSubmission(db, key))) throw new StepcastError('NOT_FOUND', 'There is no such submission.');
      return hub.submissionEvents(key, after ?? 0);
    },
  })
  submissionEvents(
    @Root() event: SubmissionEvent,
    @Arg('id', () => ID, { description: 'The Submission.' }) _id: string,
    @Arg('after', () => Int, { nullable: true, description: 'The number of the last Event you have; 0 for all.' })
    _after?: number | null,
  ): EventType {
    return toEvent(event);
  }

  @Subscription(() => LogChunkType, {
    description: 'The log of a StepRun from an offset: first what is stored, then what comes, until it ends.',
    subscribe: async ({ args, context }) => {
      const { stepRunId, after } = args as { stepRunId: string; after?: number | null };
      const { db, hub } = (context as Context).services;
      const key = fromId('StepRun', stepRunId);
      await reads.getStepRun(db, key);
      return hub.stepLog(key, Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.floor(after ?? 0))));
    },
  })
  stepLog(
    @Root() chunk: LogChunk,
    @Arg('stepRunId', () => ID, { description: 'The StepRun.' }) _stepRunId: string,
    @Arg('after', () => Float, {
      nullable: true,
      description: 'The `nextOffset` of the last piece you have; 0 for all.',
    })
    _after?: number | null,
  ): LogChunkType {
    return toLogChunk(chunk);
  }

  @Subscription(() => ActivityEventType, {
    description:
      'The Events of all Submissions that you may see: after a cursor, or from now on. It never ends by itself.',
    subscribe: ({ args, context }) => {
      const { after } = args as { after?: string | null };
      return (context as Context).services.hub.activity(after == null ? null : parseCursorText(after));
    },
  })
  activity(
    @Root() item: ActivityEvent,
    @Arg('after', () => String, { nullable: true, description: 'The `cursor` of the last one you have.' })
    _after?: string | null,
  ): ActivityEventType {
    return toActivityEvent(item, cursorText(item.cursor));
  }
}
