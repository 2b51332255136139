import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { digestOf } from '../../domain/digest.js';
import { saneEnd } from './support/sane-end.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';

const TRIES = 12;
/** The first of these connections that are closed within the body; later ones bring the whole file. */
const CUT_BODIES = 4;
const CONTENT = Buffer.alloc(200_000, 'x');
const SECRET = 'mirror-password';

/** Where in an answer the connection is closed. */
type Place = 'request' | 'head' | 'body' | 'end' | 'old' | 'redirect';
const PLACES: readonly Place[] = ['request', 'head', 'body', 'end', 'old', 'redirect'];

export const badMirror: Trial = {
  name: 'bad-mirror',
  title: 'a mirror closes connections: `models fetch` names the reason, and its credentials go nowhere else',
  run: async (scene: Scene) => {
    const seen = { credentials: 0 };
    const other = await listen(scene, (request, response) => {
      if (request.headers.authorization !== undefined) seen.credentials++;
      response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
    });
    const mirror = await listen(scene, (request, response) =>
      misbehave(scene, request, response, `http://localhost:${other}/file`),
    );
    const tries = Array.from({ length: TRIES }, (_, index) => PLACES[index % PLACES.length]);
    await Promise.all(tries.map((place, index) => fetchOnce(scene, mirror, place, index)));
    scene.expect(seen.credentials === 0, 'credentials are not sent to the host of a redirect');
  },
};

async function fetchOnce(scene: Scene, port: number, place: Place, index: number): Promise<void> {
  const url = `http://user:${SECRET}@127.0.0.1:${port}/${place}`;
  const args = ['models', 'fetch', 'resnet50', '--url', url, '--accept-digest', digestOf(CONTENT)];
  const environment = { SAM_MIL_CACHE: join(scene.folder, `cache-${index}`) };
  const fetch = scene.start(`fetch-${index}-${place}`, scene.folder, args, { environment });
  await fetch.endsWithin(90_000);
  const problem = saneEnd(fetch) ?? (fetch.output.includes(SECRET) ? 'prints the password' : undefined);
  scene.expect(problem === undefined, `closed at ${place} (${index}): a clear error`, problem);
  fetch.signal('SIGKILL');
}

function misbehave(
  scene: Scene,
  request: IncomingMessage,
  response: ServerResponse,
  elsewhere: string,
): void {
  const place = request.url?.slice(1) ?? '';
  const count = (scene.counts[`closed at ${place}`] ?? 0) + 1;
  scene.counts[`closed at ${place}`] = count;
  const { socket } = request;
  if (place === 'redirect') return void response.writeHead(302, { location: elsewhere }).end();
  if (place === 'request') return void socket.destroy();
  if (place === 'old') {
    // HTTP/1.0: the end of the answer is the end of the connection.
    socket.write(`HTTP/1.0 200 OK\r\nContent-Length: ${CONTENT.length}\r\n\r\n`);
    return void socket.end(CONTENT);
  }
  response.writeHead(200, { 'content-length': CONTENT.length });
  response.flushHeaders();
  if (place === 'head') return void socket.destroy();
  const cut = place === 'body' && count <= CUT_BODIES;
  const part = cut ? scene.random.below(CONTENT.length - 1) + 1 : CONTENT.length;
  response.write(CONTENT.subarray(0, part), () => socket.destroy());
}

async function listen(
  scene: Scene,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  scene.atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}
