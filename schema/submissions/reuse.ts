/** What a StepRun tells about the reuse of results. */
import { Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql';
import { explainReuse, stepRunFingerprint, type ReuseOutcome } from '../../src/engine/explainReuse';
import type { Context } from '../context';
import { enumOf } from '../relay/enums';
import * as reads from './reads';
import { StepRunType } from './stepTypes';

export const ReuseDecisionName = enumOf<ReuseOutcome>(
  'ReuseDecision',
  'Whether a StepRun ran or took the result of equal work.',
  {
    REUSED: 'It took the result of an earlier run that did the same work.',
    WAITS: 'It waits for a run that does the same work just now.',
    RAN: 'It ran: no earlier run had done the same work.',
    NOT_SHARED: 'It ran, and no earlier result was looked for; the reason says why.',
  },
);

@ObjectType('StepRunReuse', { description: 'Why a StepRun took an earlier result, or did not.' })
export class StepRunReuseType {
  comparedWithKey!: string | null;
  @Field(() => ReuseDecisionName, { description: 'What was done.' })
  decision!: ReuseOutcome;
  @Field(() => String, { description: 'Why, in a sentence.' })
  reason!: string;
  @Field(() => [String], {
    description:
      'What differs from the nearest earlier run of its Task, such as "input `text`"; empty if none is known.',
  })
  differences!: readonly string[];
}

@Resolver(() => StepRunReuseType)
export class StepRunReuseResolver {
  @FieldResolver(() => StepRunType, {
    nullable: true,
    description: 'The run whose result it took, or the nearest earlier one; null when there is none any more.',
  })
  comparedWith(@Root() reuse: StepRunReuseType, @Ctx() { services }: Context): Promise<StepRunType | null> {
    return reads.findStepRun(services.db, reuse.comparedWithKey);
  }
}

@Resolver(() => StepRunType)
export class ReusedStepRunResolver {
  @FieldResolver(() => StepRunType, {
    nullable: true,
    description: 'The StepRun whose result it took; null when it ran, or when that one was deleted since.',
  })
  reusedFrom(@Root() stepRun: StepRunType, @Ctx() { services }: Context): Promise<StepRunType | null> {
    return reads.findStepRun(services.db, stepRun.reusedFromKey);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      'Hex SHA-256 of what its result follows from: command, parameters, inputs, environment. Equal for equal work; null before its values are known, and for what runs no Task.',
  })
  fingerprint(@Root() stepRun: StepRunType, @Ctx() { services }: Context): Promise<string | null> {
    return stepRunFingerprint(services, stepRun.key);
  }

  @FieldResolver(() => StepRunReuseType, {
    nullable: true,
    description: 'Why it took an earlier result, or did not; null before that is decided, and for what runs no Task.',
  })
  async reuse(@Root() stepRun: StepRunType, @Ctx() { services }: Context): Promise<StepRunReuseType | null> {
    const found = await explainReuse(services, stepRun.key, services.reuse);
    return found && { ...found, comparedWithKey: found.comparedWith };
  }
}
