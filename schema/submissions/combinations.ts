/** A Batch as a table: a row for each Submission with what is its own, and how many are in which state. */
import { GraphQLJSON } from 'graphql-scalars';
import { Args, Ctx, Field, FieldResolver, Int, ObjectType, Resolver, Root } from 'type-graphql';
import { SUBMISSION_STATES } from '../../src/domain/states';
import { batchStates } from '../../src/store/statements/batches';
import type { Context } from '../context';
import { connectionOf, PageArgs, type Connection } from '../relay/connection';
import { SubmissionStateName } from './enums';
import * as reads from './reads';
import { BatchType, SubmissionType } from './types';

@ObjectType('Combination', { description: 'A row of a Batch: the values that are its own, and what became of them.' })
export class CombinationType {
  @Field(() => GraphQLJSON, {
    description: 'The values of the inputs that the matrix varies; empty in a Batch of another kind.',
  })
  values!: Record<string, unknown>;
  @Field(() => SubmissionStateName, { description: 'Where its Submission stands.' })
  state!: (typeof SUBMISSION_STATES)[number];
  @Field(() => SubmissionType, { description: 'Its Submission.' })
  submission!: SubmissionType;
}

@ObjectType('BatchState', { description: 'How many Submissions of a Batch are in a state.' })
export class BatchStateType {
  @Field(() => SubmissionStateName, { description: 'The state.' })
  state!: (typeof SUBMISSION_STATES)[number];
  @Field(() => Int, { description: 'How many are in it.' })
  count!: number;
}

const CombinationConnection = connectionOf('Combination', () => CombinationType);

@Resolver(() => BatchType)
export class CombinationsResolver {
  @FieldResolver(() => CombinationConnection, { description: 'Its rows, in the order of the call.' })
  async combinations(
    @Root() batch: BatchType,
    @Args(() => PageArgs) args: PageArgs,
    @Ctx() { services }: Context,
  ): Promise<Connection<CombinationType>> {
    const page = await reads.listBatch(services.db, batch.key, args, services.limits.pageLimit);
    const inputsOf = await reads.submissionInputs(
      services.db,
      page.nodes.map((submission) => submission.key),
      batch.matrixInputs,
    );
    const row = (submission: SubmissionType): CombinationType => {
      const inputs = inputsOf.get(submission.key) ?? {};
      const values = Object.fromEntries(batch.matrixInputs.map((name) => [name, inputs[name] ?? null]));
      return { values, state: submission.state, submission };
    };
    return {
      ...page,
      edges: page.edges.map(({ cursor, node }) => ({ cursor, node: row(node) })),
      nodes: page.nodes.map(row),
    };
  }

  @FieldResolver(() => [BatchStateType], {
    description: 'How many of its Submissions are in which state; states that none is in are left out.',
  })
  states(@Root() batch: BatchType, @Ctx() { services }: Context): Promise<BatchStateType[]> {
    return batchStates(services.db, batch.key);
  }
}
