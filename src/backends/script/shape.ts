/** What a driver needs to know of a type: languages without scalars tell a number from a list of one by it. */
import { requiredType, type ValueType } from '../../domain/values';

export type Shape =
  | { readonly kind: 'any' | 'scalar' | 'file' }
  | { readonly kind: 'list'; readonly items: Shape }
  | { readonly kind: 'record'; readonly fields: Readonly<Record<string, Shape>> };

export function shapeOf(type: ValueType): Shape {
  const required = requiredType(type);
  switch (required.kind) {
    case 'File':
    case 'Directory':
      return { kind: 'file' };
    case 'array':
      return { kind: 'list', items: shapeOf(required.items) };
    case 'record':
      return {
        kind: 'record',
        fields: Object.fromEntries(required.fields.map(({ name, type: of }) => [name, shapeOf(of)])),
      };
    case 'union':
    case 'Any':
    case 'null':
      return { kind: 'any' };
    default:
      return { kind: 'scalar' };
  }
}

/** The type of the items of a list; `Any` when it is not known. */
export function itemsOf(type: ValueType): ValueType {
  const required = requiredType(type);
  return required.kind === 'array' ? required.items : { kind: 'Any' };
}

/** The type of a field of a record; `Any` when it is not known. */
export function fieldOf(type: ValueType, name: string): ValueType {
  const required = requiredType(type);
  const field = required.kind === 'record' ? required.fields.find((one) => one.name === name) : undefined;
  return field?.type ?? { kind: 'Any' };
}
