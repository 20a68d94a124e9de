import { Field, Int, InputType, ObjectType } from 'type-graphql';
import type { ResourceSpec } from '../../src/domain/definitions';
import type { CatalogEntry } from '../../src/engine/catalog';
import { describeSource } from '../../src/engine/define';
import { connectionOf, Node } from '../relay/connection';
import { toId } from '../relay/ids';

@ObjectType('Resource', {
  implements: Node,
  description: 'Something of which there is only so much, such as licences: steps of tasks that use it wait for it.',
})
export class ResourceType extends Node {
  @Field(() => String, { description: 'Unique; Tasks name it under `uses`.' })
  name!: string;
  @Field(() => String, { description: 'What it is.' })
  description!: string;
  @Field(() => Int, { description: 'Units that steps may use at once.' })
  amount!: number;
  @Field(() => Int, { description: 'Grows with each change.' })
  version!: number;
  @Field(() => String, { description: 'The file or door it was defined by.' })
  source!: string;
}

export const ResourceConnection = connectionOf('Resource', () => ResourceType);

@InputType({ description: 'A Resource, in the form of the files.' })
export class DefineResourceInput {
  @Field(() => String, { description: 'Unique; Tasks name it under `uses`.' })
  name!: string;
  @Field(() => String, { nullable: true, description: 'What it is.' })
  description?: string | null;
  @Field(() => Int, { description: 'Units that steps may use at once; 0 lets none of them start.' })
  amount!: number;
}

export function toResource({ spec, version, source }: CatalogEntry<ResourceSpec>): ResourceType {
  return {
    id: toId('Resource', spec.name),
    name: spec.name,
    description: spec.description,
    amount: spec.amount,
    version,
    source: describeSource(source),
  };
}
