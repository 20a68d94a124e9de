/** The environment of a command: a clean base, then what is declared. Nothing of the worker's own leaks into it. */

export interface EnvironmentRequest {
  readonly path: string;
  readonly home: string;
  readonly tmp: string;
  /** In order of growing weight: the Backend's variables, the Task's, those of the script's macros. */
  readonly layers: readonly Readonly<Record<string, string>>[];
  /** What tells the command's processes as ours; no layer overrides them. */
  readonly marks: Readonly<Record<string, string>>;
}

/** Where programs are found when nothing else is said. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** All variables of the command. The marks stand first, where they are found soonest. */
export function commandEnvironment({ path, home, tmp, layers, marks }: EnvironmentRequest): Record<string, string> {
  return Object.assign(
    { ...marks },
    { PATH: path, HOME: home, TMPDIR: tmp, LANG: 'C.UTF-8' },
    ...layers,
    marks,
  ) as Record<string, string>;
}
