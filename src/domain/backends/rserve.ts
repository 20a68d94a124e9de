import type { SettingText } from './secret';

/** A running Rserve. */
export interface RserveOptions {
  readonly host: string;
  readonly port: number;
  /** A socket of the worker's machine, in place of host and port. */
  readonly socket?: string;
  /** The connection is encrypted, and the server's certificate checked. */
  readonly tls: boolean;
  readonly user?: SettingText;
  readonly password?: SettingText;
  /** Where on Rserve's machine the directories of Attempts are made; undefined: in its own working directory. */
  readonly folder?: string;
  readonly connectTimeoutSeconds: number;
}
