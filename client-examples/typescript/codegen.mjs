// Makes operations.generated.ts from operations.graphql and the server's schema: `npm run codegen`.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typedDocuments from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse } from 'graphql';
import * as prettier from 'prettier';

const here = import.meta.dirname;
const generated = path.join(here, 'operations.generated.ts');
const read = (...parts) => parse(readFileSync(path.join(here, ...parts), 'utf8'));

/** The text of the generated file. */
export async function generate() {
  const text = await codegen({
    filename: 'operations.generated.ts',
    schema: read('../../schema/schema.graphql'),
    documents: [{ location: 'operations.graphql', document: read('operations.graphql') }],
    config: {
      documentMode: 'string',
      useTypeImports: true,
      enumsAsTypes: true,
      scalars: { ID: 'string', JSON: 'unknown', DateTimeISO: 'string' },
    },
    plugins: [{ operations: {} }, { typedDocuments: {} }],
    pluginMap: { operations, typedDocuments },
  });
  return prettier.format(text, { ...(await prettier.resolveConfig(generated)), filepath: generated });
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(generated, await generate());
}
