import type { Socket } from 'node:net';
import { join } from 'node:path';
import { digestOf } from '../../domain/digest.js';
import { serveRaw } from '../support/raw-server.js';
import { saneEnd } from './support/sane-end.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';

const TRIES = 12;
/** The first of these connections that are closed within the body; later ones bring the whole file. */
const CUT_BODIES = 4;
const CONTENT = Buffer.alloc(200_000, 'x');
const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${CONTENT.length}\r\nConnection: close\r\n\r\n`;
const SECRET = 'mirror-password';

/** Where in an answer the connection is closed. */
type Place = 'request' | 'head' | 'body' | 'end' | 'old' | 'redirect';
const PLACES: readonly Place[] = ['request', 'head', 'body', 'end', 'old', 'redirect'];

export const badMirror: Trial = {
  name: 'bad-mirror',
  title: 'a mirror closes connections: `models fetch` names the reason, and its credentials go nowhere else',
  run: async (scene: Scene) => {
    const other = await serveRaw((_, socket) => void sendAll(socket, HEAD));
    scene.atEnd(() => void other.close());
    const elsewhere = other.host.replace('127.0.0.1', 'localhost');
    const mirror = await serveRaw((head, socket) => misbehave(scene, placeIn(head), socket, elsewhere));
    scene.atEnd(() => void mirror.close());
    const tries = Array.from({ length: TRIES }, (_, index) => PLACES[index % PLACES.length]);
    await Promise.all(tries.map((place, index) => fetchOnce(scene, mirror.host, place, index)));
    const told = other.heads.some((head) => /^authorization:/im.test(head));
    scene.expect(!told, 'credentials are not sent to the host of a redirect');
  },
};

async function fetchOnce(scene: Scene, host: string, place: Place, index: number): Promise<void> {
  const url = `http://user:${SECRET}@${host}/${place}`;
  const args = ['models', 'fetch', 'resnet50', '--url', url, '--accept-digest', digestOf(CONTENT)];
  const environment = { SAM_MIL_CACHE: join(scene.folder, `cache-${index}`) };
  const fetch = scene.start(`fetch-${index}-${place}`, scene.folder, args, { environment });
  await fetch.endsWithin(90_000);
  const problem = saneEnd(fetch) ?? (fetch.output.includes(SECRET) ? 'prints the password' : undefined);
  scene.expect(problem === undefined, `closed at ${place} (${index}): a clear error`, problem);
  fetch.signal('SIGKILL');
}

function placeIn(head: string): Place {
  return PLACES.find((place) => head.startsWith(`GET /${place} `)) ?? 'request';
}

function misbehave(scene: Scene, place: Place, socket: Socket, elsewhere: string): void {
  const count = (scene.counts[`closed at ${place}`] ?? 0) + 1;
  scene.counts[`closed at ${place}`] = count;
  switch (place) {
    case 'redirect':
      return void socket.end(`HTTP/1.1 302 Found\r\nLocation: http://${elsewhere}/file\r\n\r\n`);
    case 'request':
      return void socket.destroy();
    case 'old':
      // HTTP/1.0: the end of the answer is the end of the connection.
      return sendAll(socket, `HTTP/1.0 200 OK\r\nContent-Length: ${CONTENT.length}\r\n\r\n`);
    case 'head':
      return void socket.write(HEAD, () => socket.destroy());
    case 'body':
    case 'end': {
      const cut = place === 'body' && count <= CUT_BODIES;
      const part = cut ? scene.random.below(CONTENT.length - 1) + 1 : CONTENT.length;
      socket.write(HEAD);
      socket.write(CONTENT.subarray(0, part), () => socket.destroy());
    }
  }
}

function sendAll(socket: Socket, head: string): void {
  socket.write(head);
  socket.end(CONTENT);
}
