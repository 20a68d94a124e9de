/** A registry with one small image, which lets in who knows its password. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Registry {
  /** Its address, `127.0.0.1` and a port. */
  readonly server: string;
  /** Of the manifest. */
  readonly digest: string;
  close(): void;
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** An archive without files: two empty blocks. */
const LAYER = Buffer.alloc(1024);

export async function startRegistry({ user, password }: { user: string; password: string }): Promise<Registry> {
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [digestOf(LAYER)] },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: digestOf(LAYER), size: LAYER.length }],
    }),
  );
  const blobs = new Map([config, LAYER].map((bytes) => [digestOf(bytes), bytes]));
  const login = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  const server = createServer((request, response) => {
    const send = (bytes: Buffer, type: string): void => {
      response.writeHead(200, {
        'Content-Type': type,
        'Content-Length': bytes.length,
        'Docker-Content-Digest': digestOf(bytes),
      });
      response.end(request.method === 'HEAD' ? undefined : bytes);
    };
    const path = request.url ?? '';
    if (request.headers.authorization !== login) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"' }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    } else if (path === '/v2/') send(Buffer.from('{}'), 'application/json');
    else if (/^\/v2\/tools\/empty\/manifests\//.test(path))
      send(manifest, 'application/vnd.oci.image.manifest.v1+json');
    else {
      const blob = blobs.get(/\/blobs\/(.*)$/.exec(path)?.[1] ?? '');
      if (blob) send(blob, 'application/octet-stream');
      else response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    digest: digestOf(manifest),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
