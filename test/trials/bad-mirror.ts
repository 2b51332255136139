import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { digestOf } from '../../domain/digest.js';
import { saneEnd } from './support/sane-end.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';

const TRIES = 12;
const AT_ONCE = 4;
const CONTENT = Buffer.alloc(200_000, 'x');
const SECRET = 'mirror-password';

/** Where in an answer the connection is closed. */
type Place = 'request' | 'head' | 'body' | 'end' | 'redirect';
const PLACES: readonly Place[] = ['request', 'head', 'body', 'end', 'redirect'];

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
    const places = Array.from({ length: TRIES }, (_, index) => PLACES[index % PLACES.length]);
    while (places.length > 0) {
      const group = places.splice(0, AT_ONCE);
      await Promise.all(group.map((place, index) => fetchOnce(scene, mirror, place, places.length + index)));
    }
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
  scene.counts[`closed at ${place}`] = (scene.counts[`closed at ${place}`] ?? 0) + 1;
  if (place === 'redirect') return void response.writeHead(302, { location: elsewhere }).end();
  if (place === 'request') return void request.socket.destroy();
  response.writeHead(200, { 'content-length': CONTENT.length });
  response.flushHeaders();
  if (place === 'head') return void request.socket.destroy();
  const part = place === 'end' ? CONTENT.length : scene.random.below(CONTENT.length - 1) + 1;
  response.write(CONTENT.subarray(0, part), () => request.socket.destroy());
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
