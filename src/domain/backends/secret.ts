/** Settings that must not be written into definitions. */

/** Text that a worker takes from its own environment when it opens the Backend. */
export interface Secret {
  /** The name of the environment variable. */
  readonly env: string;
  /** Stands before it, such as `Bearer `. */
  readonly prefix: string;
}

/** Text as it stands, or a secret. */
export type SettingText = string | Secret;
