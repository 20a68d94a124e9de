/** Which graph a drawing shows, as the path of its signed address: `/graphs/<kind>/<id>.svg`. */
import { signPath } from '../../src/artifacts/signing';
import type { GraphOptions } from '../../src/domain/graphView';

/** `job`: as it is defined when the drawing is asked for. `job-version`: as it was in one version. */
export type GraphAddress =
  | { readonly kind: 'submission'; readonly id: string }
  | { readonly kind: 'job'; readonly name: string }
  | { readonly kind: 'job-version'; readonly key: string };

/** Undefined when the path is that of no graph. */
export function graphAddress(kind: string, file: string): GraphAddress | undefined {
  const id = /^([\w-]{1,200})\.svg$/.exec(file)?.[1];
  if (id === undefined) return undefined;
  switch (kind) {
    case 'submission':
      return { kind, id };
    case 'job':
      return { kind, name: id };
    case 'job-version':
      return /^\d{1,18}$/.test(id) ? { kind, key: id } : undefined;
    default:
      return undefined;
  }
}

/** The path without its signature. */
export function graphPath(address: GraphAddress): string {
  switch (address.kind) {
    case 'submission':
      return `/graphs/submission/${address.id}.svg`;
    case 'job':
      return `/graphs/job/${address.name}.svg`;
    case 'job-version':
      return `/graphs/job-version/${address.key}.svg`;
  }
}

/** The path with a signature, for whoever may see the graph until then. How much of it is drawn is not signed. */
export function signedGraphPath(
  secret: string,
  address: GraphAddress,
  { expiresAt, options }: { readonly expiresAt: Date; readonly options: GraphOptions },
): string {
  return `${signPath(secret, { action: 'get', path: graphPath(address), expiresAt })}&first=${options.first}&depth=${options.depth}`;
}
