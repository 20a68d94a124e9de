import boundaries from 'eslint-plugin-boundaries';
import tseslint from 'typescript-eslint';

/** Which part of ours may import which: the table of ARCHITECTURE.md. A part may always import itself. */
const MAY_IMPORT = {
  domain: [],
  engine: ['domain', 'store'],
  store: ['domain'],
  delivery: ['domain'],
  live: ['domain', 'store', 'delivery'],
  artifacts: ['domain'],
  backends: ['domain', 'artifacts'],
  validators: ['domain', 'artifacts'],
  expressions: ['domain'],
  intake: ['domain', 'artifacts', 'validators'],
  formats: ['domain'],
  drawing: ['domain'],
  embedded: [],
  config: [],
  cli: ['config', 'embedded'],
};
const SRC = Object.keys(MAY_IMPORT);

const TABLE = {
  ...MAY_IMPORT,
  schema: [...SRC, 'migrations'],
  workers: SRC,
  migrations: [],
  bench: [...SRC, 'schema', 'workers', 'migrations', 'test'],
  test: [...SRC, 'schema', 'workers', 'migrations', 'bench', 'client-examples'],
  'client-examples': [],
};

const MAX_FILE_LINES = 300;

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '.stepcast', 'coverage', '**/*.generated.*', 'examples'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.tsx'],
    ignores: ['console/**'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/only-throw-error': 'error',
      // Interfaces of ours are asynchronous where some implementation needs it.
      '@typescript-eslint/require-await': 'off',
      // Methods of objects made by functions have no `this`.
      '@typescript-eslint/unbound-method': 'off',
      // `== null` means null or undefined.
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['src/**', 'schema/**', 'workers/**'],
    rules: { 'max-lines': ['error', { max: MAX_FILE_LINES, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['src/**/*.ts', 'schema/**/*.ts', 'workers/**/*.ts', 'migrations/**/*.ts', 'bench/**/*.ts', 'test/**/*.ts'],
    plugins: { boundaries },
    settings: {
      'import/resolver': { node: { extensions: ['.ts', '.js', '.json'] } },
      'boundaries/dependency-nodes': ['import', 'export', 'dynamic-import', 'require'],
      'boundaries/root-path': import.meta.dirname,
      'boundaries/elements': Object.keys(TABLE).map((part) => ({
        type: part,
        partialMatch: false,
        pattern: `${SRC.includes(part) ? 'src/' : ''}${part}/**`,
      })),
    },
    rules: {
      'boundaries/no-unknown-files': 'error',
      'boundaries/dependencies': [
        'error',
        {
          default: 'disallow',
          policies: [
            // Packages and Node's own modules are everybody's.
            { allow: { to: { module: { origin: ['external', 'core'] } } } },
            ...Object.entries(TABLE).map(([part, others]) => ({
              from: { element: { type: part } },
              allow: { to: { element: { types: { anyOf: [part, ...others] } } } },
            })),
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.mjs', '**/*.mts', 'console/**/*.{ts,tsx,mts}'],
    extends: [tseslint.configs.base],
    rules: { eqeqeq: ['error', 'always'], 'no-var': 'error', 'prefer-const': 'error' },
  },
);
