/**
 * A plug-in for Stepcast: commands of the worker's machine that give way to all others. Put this file into the folder
 * `plugins` of STEPCAST_HOME, and define a backend:
 *
 *   backend: background
 *   kind: custom
 *   plugin: nice
 *   options: { niceness: 15 }
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** @type {import('../../src/backends/plugin').BackendPlugin<{ niceness: number }>} */
const plugin = {
  commands: ['argv', 'shell'],

  schema: {
    type: 'object',
    properties: { niceness: { type: 'integer', minimum: 1, maximum: 19, default: 10 } },
    additionalProperties: false,
  },

  open({ niceness }, { startProcess, taskError }) {
    return {
      start(attempt, hooks) {
        if (attempt.argv.length === 0) throw taskError('The command is empty.');
        const argv = ['nice', '-n', String(niceness), '--', ...attempt.argv];
        return startProcess(attempt, hooks, { argv });
      },

      async health() {
        try {
          const { stdout } = await promisify(execFile)('nice', ['--version']);
          return { state: 'READY', version: stdout.split('\n')[0], message: '' };
        } catch (error) {
          return { state: 'MISSING', version: null, message: `There is no nice here: ${error.message}` };
        }
      },

      async close() {},
    };
  },
};

export default plugin;
