import type { SettingText } from './secret';

/** A service that is called over HTTP. */
export interface HttpOptions {
  /** Where its requests go, without a slash at the end; undefined: each Task gives a whole URL. */
  readonly baseUrl?: string;
  /** Sent with each request to `baseUrl`, and nowhere else. */
  readonly headers: Readonly<Record<string, SettingText>>;
  /** The same in the query. */
  readonly query: Readonly<Record<string, SettingText>>;
  /** Host names, addresses and networks (CIDR) inside that may be called nevertheless. */
  readonly allowInternal: readonly string[];
  /** What `health` asks for, below `baseUrl`, with the headers; undefined: whether anything answers there. */
  readonly healthPath?: string;
  readonly connectTimeoutSeconds: number;
  /** Without a byte from the service. */
  readonly idleTimeoutSeconds: number;
  readonly maxResponseBytes: number;
  readonly maxRedirects: number;
  /** A service that says when to come again is waited for, if that is not later; 0: never. */
  readonly maxWaitSeconds: number;
}
