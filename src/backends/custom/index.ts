/** The Backend CUSTOM: what a plug-in makes of it. */
import { pathToFileURL } from 'node:url';
import { COMMAND_WORDS } from '../../domain/backendOptions';
import type { BackendSpec } from '../../domain/definitions';
import { messageOf, StepcastError } from '../../domain/errors';
import type { Backend, PreparedAttempt } from '../backend';
import type { BackendServices } from '../kinds';
import type { BackendPlugin, PluginServices } from '../plugin';
import { startProcess } from '../process/start';
import { readSetting } from '../secrets';
import { findPlugin, unusable } from './findPlugin';

/** Throws CONFIGURATION when the plug-in is not there, does not load, or refuses its options. */
export async function openCustom(spec: BackendSpec<'CUSTOM'>, services: BackendServices): Promise<Backend> {
  const { plugin: name } = spec.options;
  const found = findPlugin(name, services.pluginFolder);
  const plugin = await load(name, found.file);
  const options = await checkedOptions(name, plugin, spec.options.options);
  const backend = await opened(name, plugin, options, servicesFor(spec, services));
  const { recover, abandon } = backend;
  return {
    start(attempt, hooks) {
      refuseOther(name, plugin, attempt);
      return backend.start(attempt, hooks);
    },
    ...(recover ? { recover: (attempt, hooks) => recover.call(backend, attempt, hooks) } : {}),
    ...(abandon ? { abandon: (directory) => abandon.call(backend, directory) } : {}),
    async health() {
      const health = await backend.health();
      return { ...health, version: health.version ?? found.version };
    },
    close: () => backend.close(),
  };
}

async function load(name: string, file: string): Promise<BackendPlugin> {
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(pathToFileURL(file).href)) as typeof loaded;
  } catch (error) {
    throw unusable(name, `${file} does not load: ${messageOf(error)}`, error);
  }
  // A CommonJS module that was compiled from an ES module has its default export one level deeper.
  const outer = loaded.default as Partial<BackendPlugin> & { readonly default?: Partial<BackendPlugin> };
  const plugin = outer?.default ?? outer;
  if (typeof plugin?.open !== 'function' || !Array.isArray(plugin.commands))
    throw unusable(name, `the default export of ${file} is no object with commands and open(options, services)`);
  return plugin as BackendPlugin;
}

/** A copy, with the defaults of the schema. */
async function checkedOptions(
  name: string,
  { schema }: BackendPlugin,
  given: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  if (!schema) return given;
  const { Ajv } = await import('ajv');
  const options = structuredClone(given) as Record<string, unknown>;
  const ajv = new Ajv({ useDefaults: true, strict: false, allErrors: true });
  let isValid: ReturnType<typeof ajv.compile>;
  try {
    isValid = ajv.compile(schema);
  } catch (error) {
    throw unusable(name, `its schema is none: ${messageOf(error)}`, error);
  }
  if (isValid(options)) return options;
  const problems = (isValid.errors ?? []).map(({ instancePath, message }) => `options${instancePath} ${message}`);
  throw new StepcastError('CONFIGURATION', `The plug-in ${name} refuses its options: ${problems.join('; ')}.`);
}

async function opened(
  name: string,
  plugin: BackendPlugin,
  options: Readonly<Record<string, unknown>>,
  services: PluginServices,
): Promise<Backend> {
  let backend: Partial<Backend> | undefined;
  try {
    backend = await plugin.open(options, services);
  } catch (error) {
    throw new StepcastError('CONFIGURATION', `The plug-in ${name} does not open: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const missing = (['start', 'health', 'close'] as const).filter((one) => typeof backend?.[one] !== 'function');
  if (missing.length > 0) throw unusable(name, `what it opens lacks ${missing.join(', ')}`);
  return backend as Backend;
}

function servicesFor({ name }: BackendSpec, { folder, marks, log }: BackendServices): PluginServices {
  return {
    ...{ name, folder, marks },
    log: (message) => log(`Backend ${name}: ${message}`),
    startProcess,
    secret: (variable) => readSetting({ env: variable, prefix: '' }),
    taskError: (message) => new StepcastError('BAD_INPUT', message),
    unavailable: (message) => new StepcastError('UNAVAILABLE', message),
  };
}

function refuseOther(name: string, { commands }: BackendPlugin, { task }: PreparedAttempt): void {
  const { kind } = task.command;
  if (kind === 'expression' || commands.includes(kind)) return;
  const can = commands.map((one) => COMMAND_WORDS[one]).join(' or ');
  throw new StepcastError('BAD_INPUT', `The plug-in ${name} runs no ${COMMAND_WORDS[kind]}. It runs ${can}.`);
}
