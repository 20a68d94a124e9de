/**
 * Which addresses may be called. A name is looked up once, each of its addresses is judged, and the connection goes to
 * exactly these: a name that answers differently a moment later (DNS rebinding) gains nothing.
 */
import { lookup as lookUp, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isValid, parse, parseCIDR } from 'ipaddr.js';
import { StepcastError } from '../../domain/errors';

/** All addresses of a name. */
export type Resolve = (
  hostname: string,
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface AddressGuard {
  /** Throws FORBIDDEN for a host that is written as an address, and may not be called. Names are judged by `lookup`. */
  refuseAddress(hostname: string): void;
  /** In place of the system's own for connections: fails with FORBIDDEN for names that lead inside. */
  readonly lookup: LookupFunction;
}

/** A public address behind which Azure's machines find their own agent and its secrets. */
const OTHER_METADATA: ReadonlySet<string> = new Set(['168.63.129.16']);

const systemResolve: Resolve = (hostname, answer) => lookUp(hostname, { all: true }, answer);

/** `allowed`: host names, `*.suffix`, addresses and networks that may be called although they lie inside. */
export function createAddressGuard(allowed: readonly string[], resolve: Resolve = systemResolve): AddressGuard {
  const networks = allowed.filter((one) => isValid(one.split('/')[0] ?? '')).map(network);
  const names = allowed.filter((one) => !isValid(one.split('/')[0] ?? '')).map((one) => one.toLowerCase());

  const isVouchedFor = (hostname: string): boolean => {
    const name = hostname.toLowerCase().replace(/\.$/, '');
    return names.some((one) => (one.startsWith('*.') ? name.endsWith(one.slice(1)) : name === one));
  };
  const mayCall = (address: string): boolean => {
    const plain = withoutMapping(address);
    const inside = networks.some(([start, bits]) => start.kind() === plain.kind() && plain.match(start, bits));
    return inside || isPublic(address);
  };

  return {
    refuseAddress(hostname) {
      const literal = hostname.replace(/^\[|\]$/g, '');
      if (isValid(literal) && !mayCall(literal)) throw refused(hostname, literal);
    },
    lookup(hostname, options, callback) {
      resolve(hostname, (error, addresses) => {
        if (error) return callback(error, '');
        const inside = isVouchedFor(hostname) ? undefined : addresses.find(({ address }) => !mayCall(address));
        if (inside) return callback(refused(hostname, inside.address), '');
        const wanted = addresses.filter(({ family }) => !options.family || family === options.family);
        const [first] = wanted;
        if (!first) return callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), '');
        if (options.all) return callback(null, wanted);
        callback(null, first.address, first.family);
      });
    },
  };
}

type Address = ReturnType<typeof parse>;

function network(written: string): [Address, number] {
  if (written.includes('/')) return parseCIDR(written);
  const address = withoutMapping(written);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** `::ffff:127.0.0.1` is 127.0.0.1 to the system. */
function withoutMapping(text: string): Address {
  const address = parse(text);
  return 'isIPv4MappedAddress' in address && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/**
 * Whether an address belongs to the internet at large: no loopback, private, shared, link-local (where clouds keep the
 * credentials of their machines), multicast or reserved one, nor one that carries an IPv4 address within (6to4, NAT64, Teredo).
 */
function isPublic(text: string): boolean {
  const address = withoutMapping(text);
  if (address.range() !== 'unicast' || OTHER_METADATA.has(address.toString())) return false;
  // Global unicast is 2000::/3; all else of IPv6 is set apart for something.
  return address.kind() === 'ipv4' || address.match(parse('2000::'), 3);
}

function refused(hostname: string, address: string): StepcastError {
  const host = hostname.replace(/^\[|\]$/g, '');
  return new StepcastError(
    'FORBIDDEN',
    `${host === address ? address : `${hostname} is ${address}, which`} lies inside the network of this worker and is not called. If it is meant, the Backend must say so: allow-internal: [${host}].`,
  );
}
