import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface RawServer {
  /** `127.0.0.1:<port>` */
  host: string;
  /** Head of each request, as it arrived. */
  heads: string[];
  close(): Promise<void>;
}

/**
 * A server on loopback that answers each request with whatever bytes a test wants, and ends the connection as
 * it wants: what an HTTP library would never do.
 */
export async function serveRaw(
  answer: (head: string, socket: Socket, request: number) => void,
): Promise<RawServer> {
  const heads: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    let head = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const before = head;
      head += text;
      if (before.includes('\r\n\r\n') || !head.includes('\r\n\r\n')) return;
      answer(head, socket, heads.push(head));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    heads,
    close: async () => {
      open.forEach((socket) => socket.destroy());
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
