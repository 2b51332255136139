import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { strToU8, zipSync } from 'fflate';

export interface FakeWheel {
  bytes: Uint8Array;
  sha256: string;
  file: string;
}

/** Builds a wheel that pip accepts, with the given members. */
export function makeWheel(
  name: string,
  version: string,
  members: Record<string, string | Uint8Array>,
): FakeWheel {
  const info = `${name.replaceAll('-', '_')}-${version}.dist-info`;
  const all: Record<string, string | Uint8Array> = {
    ...members,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: '',
  };
  const bytes = zipSync(
    Object.fromEntries(
      Object.entries(all).map(([path, data]) => [path, typeof data === 'string' ? strToU8(data) : data]),
    ),
  );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { bytes, sha256, file: `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl` };
}

export interface PackageIndex {
  url: string;
  requests: { path: string; authorization?: string }[];
  close(): Promise<void>;
}

/** A simple package index on loopback, over real HTTP, that lists one package in JSON or HTML. */
export async function servePackage(
  name: string,
  wheel: FakeWheel,
  form: 'json' | 'html',
): Promise<PackageIndex> {
  const requests: PackageIndex['requests'] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const path = request.url ?? '';
    requests.push({ path, authorization: request.headers.authorization });
    if (path === `/simple/${name}/`) {
      const href = `../../files/${wheel.file}`;
      response.setHeader(
        'content-type',
        form === 'json' ? 'application/vnd.pypi.simple.v1+json' : 'text/html',
      );
      response.end(form === 'json' ? jsonPage(name, wheel, href) : htmlPage(wheel, href));
    } else if (path === `/files/${wheel.file}`) {
      response.end(wheel.bytes);
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/simple`,
    requests,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

function jsonPage(name: string, wheel: FakeWheel, href: string): string {
  const decoy = { filename: 'other.whl', url: '../../files/other.whl', hashes: { sha256: '0'.repeat(64) } };
  const file = { filename: wheel.file, url: href, hashes: { sha256: wheel.sha256 } };
  return JSON.stringify({ meta: { 'api-version': '1.0' }, name, files: [decoy, file] });
}

function htmlPage(wheel: FakeWheel, href: string): string {
  return `<!DOCTYPE html><html><body><a href="${href}#sha256=${wheel.sha256}">${wheel.file}</a></body></html>`;
}
