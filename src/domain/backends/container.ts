/** What an operator says of a Backend that runs commands in containers. */

import type { Secret, SettingText } from './secret';

/** A folder of the host that is seen inside. Absolute paths. */
export interface ContainerVolume {
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
}

/** Whom the registry of the images lets in. */
export interface RegistryLogin {
  /** Its address, such as `registry.example.org`; undefined: that of the Backend's image. The login goes nowhere else. */
  readonly server?: string;
  readonly username: SettingText;
  readonly password: Secret;
}

/** `missing`: only when the engine does not have the image. */
export const PULL_POLICIES = ['always', 'missing', 'never'] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

export interface ContainerOptions {
  /** For Tasks that name none. */
  readonly image?: string;
  readonly pull: PullPolicy;
  /** Where the engine listens; undefined: it is looked for. */
  readonly host?: string;
  /** `1000`, `1000:1000`, or `image` for the image's own; undefined: the worker's. */
  readonly user?: string;
  readonly volumes: readonly ContainerVolume[];
  /** `none`, `bridge`, `host` or the name of a network. */
  readonly network: string;
  /** Nothing but the Attempt's directory, `/tmp` and writable volumes can be written to. */
  readonly readOnly: boolean;
  readonly capDrop: readonly string[];
  /** An OCI runtime of the engine, such as `runsc`. */
  readonly runtime?: string;
  /** Such as `linux/arm64`. */
  readonly platform?: string;
  /** A small first process that passes signals on; undefined: where the engine has one. */
  readonly init?: boolean;
  readonly registry?: RegistryLogin;
}
