import { z } from 'zod';
import type { Api, Variables } from './api';

const PageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() });

export interface PagedQuery<T> {
  readonly node: z.ZodType<T>;
  /** Has a variable `$after`, and asks each connection for `nodes` and `pageInfo { hasNextPage endCursor }`. */
  readonly query: string;
  readonly variables?: Variables;
  /** Where the connection stands in the data. */
  readonly at: readonly string[];
}

/** All entries of a list, one page in memory at a time. Throws CommandError. */
export async function* pages<T>(api: Api, { node, query, variables, at }: PagedQuery<T>): AsyncGenerator<T> {
  const connection = z.object({ nodes: z.array(node), pageInfo: PageInfo });
  let data: z.ZodType<unknown> = connection;
  for (const key of [...at].reverse()) data = z.object({ [key]: data });
  let after: string | null = null;
  for (;;) {
    const answer: unknown = await api.call(data, query, { ...variables, after });
    const page = connection.parse(at.reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], answer));
    yield* page.nodes;
    if (!page.pageInfo.hasNextPage) return;
    after = page.pageInfo.endCursor;
  }
}

/** The whole list. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
