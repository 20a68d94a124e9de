import type { Stepcast } from './stepcast';

/** Mutation fields by name, with their descriptions. */
export async function mutationsOf(stepcast: Stepcast): Promise<Map<string, string>> {
  const { __type } = await stepcast.gql<{ __type: { fields: { name: string; description: string }[] } }>(
    `{ __type(name: "Mutation") { fields { name description } } }`,
  );
  return new Map(__type.fields.map(({ name, description }) => [name, description]));
}
