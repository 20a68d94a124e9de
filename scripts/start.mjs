import { run } from './run.mjs';

await run('src/cli/start.js', process.argv.slice(2));
