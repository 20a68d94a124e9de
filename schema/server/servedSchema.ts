/** The schema that is served now. It follows the catalog; operations under way keep the one they began with. */
import type { GraphQLSchema } from 'graphql';
import { messageOf } from '../../src/domain/errors';
import type { Catalog, WatchedCatalog } from '../../src/engine/catalog';
import { buildServedSchema, buildStaticSchema } from '../buildSchema';

export interface ServedSchema {
  current(): GraphQLSchema;
  /** Called with each new schema. Returns how to stop. */
  onChange(listener: (schema: GraphQLSchema) => void): () => void;
}

export function serveSchema(catalog: WatchedCatalog, onTrouble: (message: string) => void): ServedSchema {
  const base = buildStaticSchema();
  const listeners = new Set<(schema: GraphQLSchema) => void>();
  const build = (from: Catalog): GraphQLSchema => {
    try {
      return buildServedSchema(base, from);
    } catch (error) {
      onTrouble(
        `the schema of all jobs together is not valid, so jobs that break it are left out: ${messageOf(error)}`,
      );
      return buildServedSchema(base, withoutBreakers(base, from, onTrouble));
    }
  };
  let schema = build(catalog.current());
  catalog.onChange((changed) => {
    schema = build(changed);
    for (const listener of listeners) listener(schema);
  });
  return {
    current: () => schema,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** One job's names must not take the others down. */
function withoutBreakers(base: GraphQLSchema, catalog: Catalog, onTrouble: (message: string) => void): Catalog {
  let kept: Catalog = { ...catalog, jobs: new Map() };
  for (const [name, job] of catalog.jobs) {
    const tried: Catalog = { ...kept, jobs: new Map([...kept.jobs, [name, job]]) };
    try {
      buildServedSchema(base, tried);
      kept = tried;
    } catch (error) {
      onTrouble(`job ${name} has no typed mutation: ${messageOf(error)}`);
    }
  }
  return kept;
}
