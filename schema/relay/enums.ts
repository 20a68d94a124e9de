import { registerEnumType } from 'type-graphql';

/** A GraphQL enum with a description for each of its values, as type-graphql takes it. */
export function enumOf<Name extends string>(
  name: string,
  description: string,
  values: { readonly [Value in Name]: string },
): { readonly [Value in Name]: Value } {
  const names = Object.keys(values) as Name[];
  const result = Object.fromEntries(names.map((value) => [value, value])) as { readonly [Value in Name]: Value };
  const described = Object.fromEntries(names.map((value) => [value, { description: values[value] }]));
  registerEnumType(result, { name, description, valuesConfig: described as Record<Name, { description: string }> });
  return result;
}
