import type { Group, Variable } from './variable';
import { VARIABLES } from './variables';

/** `docs/settings.md`, made from the table that the parser uses. */
export function settingsPage(): string {
  const groups = new Map<Group, Variable<unknown>[]>();
  for (const variable of Object.values<Variable<unknown>>(VARIABLES)) {
    groups.set(variable.group, [...(groups.get(variable.group) ?? []), variable]);
  }
  return [
    '# Settings',
    '',
    'Every setting is an environment variable, read once at the start. A wrong value stops the start with one sentence.',
    'Sizes are bytes, or a number with a unit such as `64KiB` or `5GiB`. Where a flag is named, `npm start`,',
    '`npm run api` and `npm run worker` take it after `--`, and it wins over the variable.',
    '',
    'This page is made from the table in `src/config/variables.ts` by `npm run docs`.',
    ...[...groups].flatMap(([group, variables]) => ['', `## ${group}`, '', ...table(variables)]),
    '',
  ].join('\n');
}

function table(variables: readonly Variable<unknown>[]): readonly string[] {
  return [
    '| variable | default | meaning |',
    '| --- | --- | --- |',
    ...variables.map((variable) => {
      const flag = variable.flag === undefined ? '' : ` Flag: \`--${variable.flag}\`.`;
      return `| \`${variable.name}\` | ${variable.fallbackText ?? `\`${variable.fallback ?? ''}\``} | ${variable.meaning}${flag} |`;
    }),
  ];
}
