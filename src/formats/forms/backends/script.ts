/** The written forms of Backends that run scripts by interpreters: `interpreter`, `library-path`, `pool`, `preload`, `venv`. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { InterpreterOptions, PythonOptions, WarmInterpreterOptions } from '../../../domain/backendOptions';
import { form, oneOrMany } from '../form';

/** More interpreters that wait than this would rather be a larger machine. */
const MAX_POOL = 64;
const MAX_PRELOAD = 100;
const MAX_LIBRARY_FOLDERS = 50;

const folderForm = z.string().refine((path) => isAbsolute(path) && !path.includes(':'), {
  error: 'is not the absolute path of a folder',
});

/** A word that can stand in the code of any language: names of modules and packages, with dots. */
const packageForm = z.string().regex(/^[A-Za-z][A-Za-z0-9_.]*$/, { error: 'is not the name of a package' });

const common = {
  interpreter: z
    .string()
    .refine((name) => name !== '' && (!name.includes('/') || isAbsolute(name)), {
      error: 'is neither a name to be looked up in PATH nor an absolute path',
    })
    .optional(),
  'library-path': oneOrMany(folderForm)
    .refine((folders) => folders.length <= MAX_LIBRARY_FOLDERS, `more than ${MAX_LIBRARY_FOLDERS} folders`)
    .optional(),
};

const warm = {
  ...common,
  pool: z.int().min(0).max(MAX_POOL).optional(),
  preload: oneOrMany(packageForm)
    .refine((names) => names.length <= MAX_PRELOAD, `more than ${MAX_PRELOAD} packages`)
    .optional(),
};

interface CommonForm {
  readonly interpreter?: string | undefined;
  readonly 'library-path'?: readonly string[] | undefined;
}

interface WarmForm extends CommonForm {
  readonly pool?: number | undefined;
  readonly preload?: readonly string[] | undefined;
}

const commonOf = (value: CommonForm): InterpreterOptions => ({
  ...(value.interpreter === undefined ? {} : { interpreter: value.interpreter }),
  ...(value['library-path'] === undefined ? {} : { libraryPath: value['library-path'] }),
});

const warmOf = (value: WarmForm): WarmInterpreterOptions => ({
  ...commonOf(value),
  ...(value.pool === undefined ? {} : { pool: value.pool }),
  ...(value.preload === undefined ? {} : { preload: value.preload }),
});

/** Of languages whose interpreters are started for each Task. */
export const interpreterForm: z.ZodType<InterpreterOptions> = form(common).transform(commonOf);

/** SAS is told of its libraries in its programs. */
export const sasForm: z.ZodType<InterpreterOptions> = form({ interpreter: common.interpreter }).transform(commonOf);

/** Of languages whose interpreters can be started before there is a Task. */
export const warmForm: z.ZodType<WarmInterpreterOptions> = form(warm).transform(warmOf);

export const pythonForm: z.ZodType<PythonOptions> = form({ ...warm, venv: folderForm.optional() })
  .refine(({ venv, interpreter }) => venv === undefined || interpreter === undefined, {
    path: ['interpreter'],
    error: 'is given, and so is venv, which has an interpreter of its own',
  })
  .transform(({ venv, ...rest }) => ({ ...warmOf(rest), ...(venv === undefined ? {} : { venv }) }));
