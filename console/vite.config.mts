/** Builds the console into dist/console: GraphiQL bundled with all it needs, and the landing page as it is. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Smaller files gain nothing that a reader would notice. */
const MIN_COMPRESSED_BYTES = 4_096;

const COMPRESSIBLE = /\.(?:js|css|html|svg|ttf)$/;

export default defineConfig({
  root: join(here, 'graphiql'),
  base: '/graphiql/',
  build: {
    outDir: join(here, '../dist/console/graphiql'),
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    // An inlined asset is a data: address, which the page's Content-Security-Policy would have to allow.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4_000,
    rolldownOptions: {
      // React's "use client" and "use no memo" mean nothing in a bundle; hundreds of warnings say so.
      onLog(level, log, report) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
  plugins: [finished()],
});

/** Puts the landing page beside GraphiQL, and compresses once here, so that no request costs the API any work. */
function finished(): Plugin {
  let outDir = '';
  return {
    name: 'stepcast-console',
    configResolved: (config) => {
      outDir = resolve(config.root, config.build.outDir);
    },
    closeBundle: async () => {
      await cp(join(here, 'landing'), join(outDir, '../landing'), { recursive: true });
      const entries = await readdir(outDir, { recursive: true });
      await Promise.all(
        entries.filter((entry) => COMPRESSIBLE.test(entry)).map((entry) => compress(join(outDir, entry))),
      );
    },
  };
}

async function compress(path: string): Promise<void> {
  const content = await readFile(path);
  if (content.length < MIN_COMPRESSED_BYTES) return;
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    promisify(gzip)(content, { level: 6 }),
  ]);
  await Promise.all([writeFile(`${path}.br`, br), writeFile(`${path}.gz`, gz)]);
}
