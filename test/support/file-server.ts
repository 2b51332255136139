import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface SeenRequest {
  path: string;
  range?: string;
  ifRange?: string;
}

export interface FileServer {
  url: string;
  requests: SeenRequest[];
  /** What is served, and how; may be replaced while it runs. */
  content: Uint8Array;
  behavior: Behavior;
  close(): Promise<void>;
}

export interface Behavior {
  /** Cut the connections of the first answers with a body after this many bytes. */
  drops?: number[];
  /** Send nothing more after this many bytes of each body. */
  stallAfter?: number;
  ignoreRange?: boolean;
  noValidator?: boolean;
  /** Does not say how long the file is. */
  noLength?: boolean;
  /** Statuses of the first answers, before any file is sent. */
  statuses?: number[];
}

/** One file on loopback over real HTTP, with the faults that downloads meet. `/moved` redirects to it. */
export async function serveFile(content: Uint8Array, behavior: Behavior = {}): Promise<FileServer> {
  const statuses = [...(behavior.statuses ?? [])];
  const drops = [...(behavior.drops ?? [])];
  const server = createServer((request, response) => {
    self.requests.push({
      path: request.url ?? '',
      range: request.headers.range,
      ifRange: request.headers['if-range'] as string | undefined,
    });
    const status = statuses.shift();
    if (status !== undefined) return void response.writeHead(status).end();
    if (request.url === '/moved/model.pth')
      return void response.writeHead(302, { location: '/model.pth' }).end();
    send(request, response);
  });

  function send(request: IncomingMessage, response: ServerResponse): void {
    const etag = `"${createHash('sha256').update(self.content).digest('hex').slice(0, 12)}"`;
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const same = [undefined, etag].includes(request.headers['if-range'] as string | undefined);
    const start = range && same && !self.behavior.ignoreRange ? Number(range[1]) : 0;
    const size = self.content.length;
    if (start >= size) return void response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    if (!self.behavior.noValidator) response.setHeader('etag', etag);
    if (!self.behavior.noLength) response.setHeader('content-length', size - start);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${size - 1}/${size}`);
    response.writeHead(start > 0 ? 206 : 200);
    const body = self.content.subarray(start);
    const drop = drops.shift();
    const most = self.behavior.stallAfter ?? drop ?? body.length;
    response.write(body.subarray(0, most), () => {
      if (self.behavior.stallAfter !== undefined) return;
      if (drop !== undefined) response.socket?.destroy();
      else response.end(body.subarray(most));
    });
  }

  const self: FileServer = {
    url: '',
    requests: [],
    content,
    behavior,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  self.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.pth`;
  return self;
}

/** A tunneling proxy, as in hospitals. It reaches any name, because it always connects to loopback. */
export async function serveProxy(): Promise<{ url: string; asked: string[]; close(): Promise<void> }> {
  const asked: string[] = [];
  const open: Duplex[] = [];
  const server = createServer();
  server.on('connect', (request, socket) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    const upstream = connect(Number((request.url ?? '').split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    open.push(upstream, socket);
    for (const end of [upstream, socket])
      end.on('error', () => [upstream, socket].forEach((s) => s.destroy()));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      open.forEach((socket) => socket.destroy());
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
