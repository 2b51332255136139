import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP relay on loopback that behaves like a bad line: it resets its connections and stalls at will. */
export interface Relay {
  address: string;
  /** Nothing passes while it is true; what arrives meanwhile is passed later. */
  stalled(stalled: boolean): void;
  /** Ends all connections with a reset. */
  reset(): void;
  close(): Promise<void>;
}

/** @param target `host:port` that each connection is relayed to */
export async function startRelay(target: string): Promise<Relay> {
  const [host, port] = target.split(':');
  const open = new Set<Socket>();
  let stalled = false;
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      open.add(socket);
      socket.on('data', (chunk) => void other.write(chunk));
      socket.on('end', () => other.end());
      socket.on('error', () => other.destroy());
      socket.on('close', () => open.delete(socket) && other.destroy());
      if (stalled) socket.pause();
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stalled: (value) => {
      stalled = value;
      for (const socket of open) {
        if (value) socket.pause();
        else socket.resume();
      }
    },
    reset: () => open.forEach((socket) => socket.resetAndDestroy()),
    close: async () => {
      open.forEach((socket) => socket.destroy());
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
