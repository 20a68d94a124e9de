import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { EstimateBasis } from '../../src/domain/estimate';
import { enumOf } from '../relay/enums';

const EstimateBasisName = enumOf<EstimateBasis>(
  'EstimateBasis',
  'What an estimate is based on, or why there is none.',
  {
    THIS_VERSION: 'Earlier runs of the same version of the Job.',
    OLDER_VERSIONS: 'This version has few runs: runs of older versions are counted too.',
    NO_HISTORY: 'No estimate: a step that is left has never succeeded before.',
    OUTLASTED: 'No estimate: a step runs for longer than it ever did before.',
  },
);

@ObjectType('ExpectedDuration', {
  description: 'How long the newest runs that succeeded took, in seconds. Runs that took earlier results do not count.',
})
export class ExpectedDurationType {
  @Field(() => Int, { description: 'How many runs it is made of.' })
  count!: number;
  @Field(() => Float, { description: 'The shortest.' })
  min!: number;
  @Field(() => Float, { description: 'One of ten was shorter.' })
  p10!: number;
  @Field(() => Float, { description: 'Half of them were shorter: the median.' })
  p50!: number;
  @Field(() => Float, { description: 'Nine of ten were shorter.' })
  p90!: number;
  @Field(() => Float, { description: 'The longest.' })
  max!: number;
  @Field(() => Boolean, { description: 'This version has few runs: runs of older versions are counted too.' })
  olderVersions!: boolean;
}

@ObjectType('Estimate', { description: 'How much longer a Submission may take, in seconds.' })
export class EstimateType {
  @Field(() => Float, {
    nullable: true,
    description: 'As likely too low as too high; null when it cannot be told. Waiting for a first worker is not in it.',
  })
  secondsLeft!: number | null;
  @Field(() => Float, {
    nullable: true,
    description: 'It will hardly take longer: every step lasts as long as only one of ten did before.',
  })
  secondsLeftHigh!: number | null;
  @Field(() => EstimateBasisName, { description: 'What it is based on, or why there is none.' })
  basis!: EstimateBasis;
}
