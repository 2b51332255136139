import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as one of the two servers saw it. */
export interface HubRequest {
  host: 'hub' | 'storage';
  path: string;
  authorization?: string;
  range?: string;
}

export interface HubServer {
  /** For `HF_ENDPOINT`. */
  endpoint: string;
  requests: HubRequest[];
  /** Contents by the path on the hub, `/owner/name/resolve/REVISION/FILE`. May be replaced. */
  files: Map<string, Uint8Array>;
  /** The token that the hub knows; undefined if the repositories are open. */
  token?: string;
  /** Whether the token's account was granted access. */
  granted: boolean;
  /** Cut the next answers of the storage after this many bytes. */
  drops: number[];
  /** Statuses of the next answers of the storage, as for a signature that has expired. */
  refusals: number[];
  /** SHA-256 that the hub states instead of the right one. */
  statedDigest?: string;
  close(): Promise<void>;
}

export const COMMIT = 'c0ffee'.repeat(6) + 'c0ff';

/** A part of every signed address, which must not appear in messages and records. */
export const SIGNATURE = 'Signature=sealed-by-the-storage';

/**
 * The Hugging Face hub as its clients see it: one server checks tokens and redirects to signed addresses on
 * another host, which serves the bytes with ranges and refuses other signatures.
 */
export async function serveHub(files: Record<string, Uint8Array> = {}): Promise<HubServer> {
  const hub = createServer((request, response) => answerAsHub(request, response));
  const storage = createServer((request, response) => answerAsStorage(request, response));
  const note = (host: HubRequest['host'], { url = '', headers }: IncomingMessage) =>
    self.requests.push({ host, path: url, authorization: headers.authorization, range: headers.range });

  function answerAsHub(request: IncomingMessage, response: ServerResponse): void {
    note('hub', request);
    const path = request.url ?? '';
    const { token, granted } = self;
    const refuse = (status: number, code: string) =>
      void response
        .writeHead(status, { 'x-error-code': code })
        .end(`${code}: ${request.headers.authorization}`);
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return refuse(401, 'GatedRepo');
    if (token !== undefined && !granted) return refuse(403, 'GatedRepo');
    const content = self.files.get(path);
    if (content === undefined) return refuse(404, 'EntryNotFound');
    const location = `http://${addressOf(storage)}${path}?Expires=1&${SIGNATURE}`;
    const facts = { 'x-repo-commit': COMMIT, 'x-linked-size': content.length };
    const linked = { 'x-linked-etag': `"${self.statedDigest ?? sha256(content)}"` };
    response.writeHead(302, { location, ...facts, ...linked }).end();
  }

  function answerAsStorage(request: IncomingMessage, response: ServerResponse): void {
    note('storage', request);
    const [path, query = ''] = (request.url ?? '').split('?');
    const content = self.files.get(path);
    const status = self.refusals.shift() ?? (query.includes(SIGNATURE) ? undefined : 403);
    if (status !== undefined || content === undefined) return void response.writeHead(status ?? 404).end();
    const etag = `"${sha256(content).slice(0, 20)}"`;
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const start =
      asked && [undefined, etag].includes(request.headers['if-range']?.toString()) ? Number(asked[1]) : 0;
    const { length } = content;
    if (asked && start >= length)
      return void response.writeHead(416, { 'content-range': `bytes */${length}` }).end();
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      'content-length': length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${length - 1}/${length}` }),
    });
    const drop = self.drops.shift();
    response.write(content.subarray(start, drop === undefined ? undefined : start + drop), () =>
      drop === undefined ? response.end() : response.socket?.destroy(),
    );
  }

  await listen(hub, '127.0.0.1');
  await listen(storage, '127.0.0.2');
  const self: HubServer = {
    endpoint: `http://${addressOf(hub)}`,
    requests: [],
    files: new Map(Object.entries(files)),
    granted: true,
    drops: [],
    refusals: [],
    close: async () => {
      for (const server of [hub, storage]) {
        server.closeAllConnections();
        await new Promise<void>((done) => server.close(() => done()));
      }
    },
  };
  return self;
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function listen(server: Server, host: string): Promise<void> {
  return new Promise((done) => server.listen(0, host, done));
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `${address}:${port}`;
}
