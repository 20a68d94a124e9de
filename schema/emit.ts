/** Writes schema/schema.graphql, or with --check says whether it is current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { buildServedSchema, buildStaticSchema } from './buildSchema';

/** The project's folder: this file runs from `dist/schema`. */
const SNAPSHOT = join(__dirname, '../../schema/schema.graphql');

const text = `${printSchema(lexicographicSortSchema(buildServedSchema(buildStaticSchema())))}\n`;
if (process.argv.includes('--check')) {
  if (readFileSync(SNAPSHOT, 'utf8') !== text) {
    process.stderr.write('schema/schema.graphql is out of date. Run `npm run schema` and look at the difference.\n');
    process.exitCode = 1;
  }
} else {
  writeFileSync(SNAPSHOT, text);
}
