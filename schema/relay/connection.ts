/** Relay connections, forward only: `first` and `after`, with a hard page limit. */
import { ArgsType, Field, ID, InterfaceType, Int, ObjectType, type ClassType } from 'type-graphql';
import { StepcastError, userError } from '../../src/domain/errors';

@InterfaceType({ description: 'Anything that has an id. Ids are opaque: keep them, do not read them.' })
export abstract class Node {
  @Field(() => ID, { description: 'Opaque and stable.' })
  id!: string;
}

@ObjectType({ description: 'Where a page ends.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'There is a page after this one.' })
  hasNextPage!: boolean;
  @Field(() => String, {
    nullable: true,
    description: 'Give it as `after` to get the next page. Null on an empty page.',
  })
  endCursor!: string | null;
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, {
    nullable: true,
    description: 'How many at most; 20 if not given. The server has an upper limit.',
  })
  first?: number | null;
  @Field(() => String, { nullable: true, description: 'The `endCursor` of the page before.' })
  after?: string | null;
}

export interface Connection<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly nodes: readonly T[];
  readonly pageInfo: PageInfo;
}

/** Makes the GraphQL classes `<Name>Connection` and `<Name>Edge`. */
export function connectionOf<T extends object>(name: string, node: () => ClassType<T>): ClassType<Connection<T>> {
  @ObjectType(`${name}Edge`, { description: `A ${name} and its place in the list.` })
  class Edge {
    @Field(() => String, { description: 'Give it as `after` to go on behind this one.' })
    cursor!: string;
    @Field(node, { description: `The ${name}.` })
    node!: T;
  }
  @ObjectType(`${name}Connection`, { description: `A page of ${name}s.` })
  class Page implements Connection<T> {
    @Field(() => [Edge], { description: 'The page with a cursor each.' })
    edges!: Edge[];
    @Field(() => [node()], { description: 'The page without cursors.' })
    nodes!: T[];
    @Field(() => PageInfo, { description: 'Where this page ends.' })
    pageInfo!: PageInfo;
  }
  return Page;
}

export const DEFAULT_PAGE = 20;

/** How many to fetch, and behind which key. BAD_INPUT beyond the limit. */
export function pageOf(args: PageArgs, limit: number): { readonly first: number; readonly after: string | null } {
  const first = args.first ?? Math.min(DEFAULT_PAGE, limit);
  if (first < 1 || first > limit) {
    throw new StepcastError('BAD_INPUT', `first is ${first}; it must be from 1 to ${limit}.`);
  }
  return { first, after: args.after == null ? null : keyOf(args.after) };
}

/** Builds the page from one row more than asked for: the extra row says that there is a next page. */
export function toConnection<Row, T>(
  rows: readonly Row[],
  first: number,
  key: (row: Row) => string,
  node: (row: Row) => T,
): Connection<T> {
  const edges = rows.slice(0, first).map((row) => ({ cursor: cursorOf(key(row)), node: node(row) }));
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor ?? null },
  };
}

/** A page of a list that is in memory, ordered by its keys. */
export function pageOfList<T>(
  all: readonly T[],
  args: PageArgs,
  limit: number,
  key: (item: T) => string,
): Connection<T> {
  const { first, after } = pageOf(args, limit);
  const sorted = [...all].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const rest = after === null ? sorted : sorted.filter((item) => key(item) > after);
  return toConnection(rest, first, key, (item) => item);
}

const cursorOf = (key: string): string => Buffer.from(`c:${key}`).toString('base64url');

function keyOf(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!text.startsWith('c:')) throw userError('BAD_INPUT', 'after is no cursor of this list.', ['after']);
  return text.slice(2);
}

/** For lists ordered by a number: the key must be one, no greater than `max`. */
export function numericKey(after: string | null, max = Number.MAX_VALUE): string | null {
  if (after !== null && (!/^\d{1,18}$/.test(after) || Number(after) > max))
    throw new StepcastError('BAD_INPUT', 'after is no cursor of this list.');
  return after;
}
