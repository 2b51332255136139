import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { findingText, SamMilError } from '../../../../domain/errors.js';
import { download, type Download } from '../../../../domain/machine/http/download.js';
import { httpGet } from '../../../../domain/machine/http/http-get.js';
import { runCommand } from '../../../../domain/machine/run-command.js';
import { readPage } from '../../../../domain/machine/http/read-page.js';
import { serveProxy } from '../../../support/file-server.js';
import { fixture } from '../../../support/fixtures.js';
import { serveRaw, type RawServer } from '../../../support/raw-server.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const BODY = Buffer.alloc(3_000_000, 'sam-mil ');

function headers(length: number, ...more: string[]): string {
  return ['HTTP/1.1 200 OK', `Content-Length: ${length}`, 'Connection: close', ...more, '', ''].join('\r\n');
}

/** Sends the rest that a range asks for. */
function sendFile(head: string, socket: Socket): void {
  const start = Number(/range: bytes=(\d+)-/i.exec(head)?.[1] ?? 0);
  const rest = BODY.subarray(start);
  const range = `Content-Range: bytes ${start}-${BODY.length - 1}/${BODY.length}`;
  socket.write(
    headers(rest.length, range, 'ETag: "1"').replace('200 OK', start > 0 ? '206 Partial' : '200 OK'),
  );
  socket.end(rest);
}

const FAULTS: Record<string, (socket: Socket) => void> = {
  'closes before its answer': (socket) => socket.end(),
  'closes in the middle of the headers': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
  'closes after the headers': (socket) => socket.end(headers(BODY.length)),
  'closes in the middle of the body': (socket) =>
    socket.end(Buffer.concat([Buffer.from(headers(BODY.length, 'ETag: "1"')), BODY.subarray(0, 1_500_000)])),
  'resets the connection': (socket) => socket.resetAndDestroy(),
  'resets the connection in the middle of the body': (socket) =>
    socket.write(Buffer.concat([Buffer.from(headers(BODY.length)), BODY.subarray(0, 1_500_000)]), () =>
      socket.resetAndDestroy(),
    ),
  'sends something that is not HTTP': (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
  'sends nothing': () => undefined,
  'stops in the middle of the body': (socket) => socket.write(headers(BODY.length) + 'sam-mil '),
  'sends an incomplete chunk': (socket) =>
    socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nsam'),
};

async function serve(
  context: TestContext,
  answer: (head: string, socket: Socket, request: number) => void,
): Promise<RawServer> {
  const server = await serveRaw(answer);
  context.after(() => server.close());
  return server;
}

function requestOf(context: TestContext, url: string, more: Partial<Download> = {}): Download {
  const path = join(temporaryFolder(context), 'file');
  return { url, path, otherwise: 'copy the file by hand', pause: 0, silence: 300, ...more };
}

for (const [fault, commit] of Object.entries(FAULTS)) {
  test(`a download survives a server that once ${fault}, and ends if it always does`, async (context) => {
    const once = await serve(context, (head, socket, request) => {
      if (request === 1) commit(socket);
      else sendFile(head, socket);
    });
    const request = requestOf(context, `http://${once.host}/file`);
    await download(request);
    assert.ok(readFileSync(request.path).equals(BODY));

    const always = await serve(context, (_, socket) => commit(socket));
    await assert.rejects(download(requestOf(context, `http://${always.host}/file`)), (error) => {
      assert.ok(error instanceof SamMilError);
      assert.equal(error.code, 'Unavailable');
      assert.match(error.message, /^http:.*: download failed: .+; Next: copy the file by hand$/);
      return true;
    });
    assert.ok(always.heads.length >= 3 && always.heads.length <= 50, `${always.heads.length} requests`);
  });
}

test('an answer that is not read to its end, from a server that closes, ends nothing', async (context) => {
  const server = await serve(context, (_, socket) => void socket.end(headers(BODY.length) + BODY.toString()));
  for (let round = 0; round < 20; round++) {
    const request = requestOf(context, `http://${server.host}/file`, { sizes: [5] });
    await assert.rejects(download(request), {
      code: 'InvalidInput',
      message: /expected 5 bytes; found 3000000/,
    });
    const answer = await httpGet(`http://${server.host}/file`);
    await sleep(5);
    answer.close();
  }
  // An error of a closed connection would end this process in the meantime.
  await sleep(100);
});

test('user and password of a URL go to its own origin only, through any number of redirects', async (context) => {
  const other = await serve(context, sendFile);
  const server = await serve(context, (head, socket) => {
    const path = head.split(' ')[1];
    const location =
      path === '/file' ? '/second' : `http://${other.host.replace('127.0.0.1', 'localhost')}/file`;
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
  });
  const url = `http://user:p%40ss@${server.host}/file`;
  await download(requestOf(context, url));
  const sent = (head: string) => /^authorization: (.*)$/im.exec(head)?.[1];
  const secret = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
  assert.deepEqual(server.heads.map(sent), [secret, secret]);
  assert.equal(other.heads.length, 1);
  assert.doesNotMatch(other.heads[0], /authorization|p%40ss|p@ss/i);
});

test('no error and no record of a download contains user, password or token of its URL', async (context) => {
  const server = await serve(context, (_, socket, request) => {
    if (request === 1) socket.end(headers(BODY.length) + BODY.subarray(0, 100_000).toString());
    else socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  });
  const url = `http://someone:hunter2@${server.host}/file?token=s3cret&x=1`;
  const request = requestOf(context, url);
  await assert.rejects(download(request), (error) => {
    assert.ok(error instanceof SamMilError);
    const shown = findingText(error);
    assert.match(
      shown,
      new RegExp(`^http://\\*\\*\\*@${server.host}/file\\?\\*\\*\\*: download failed: .*403`),
    );
    assert.doesNotMatch(`${shown}${error.stack}`, /someone|hunter2|s3cret/);
    return true;
  });
  assert.match(server.heads[1], /range: bytes=\d+-/i);
  assert.doesNotMatch(readFileSync(`${request.path}.partial.json`, 'utf8'), /someone|hunter2|s3cret/);
});

test('a page is read again after a lost connection, but not forever and not if it does not exist', async (context) => {
  const server = await serve(context, (head, socket, request) => {
    if (head.includes('/gone')) socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    else if (request === 1 || head.includes('/always')) socket.destroy();
    else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlist');
  });
  assert.equal((await readPage(new URL(`http://${server.host}/list`), 'text/html')).text, 'list');
  await assert.rejects(readPage(new URL(`http://${server.host}/gone`), 'text/html'), {
    message: 'HTTP status 404',
  });
  assert.equal(server.heads.length, 3);
  await assert.rejects(readPage(new URL(`http://${server.host}/always`), 'text/html'), {
    code: 'ECONNRESET',
  });
  assert.ok(server.heads.length < 10);
});

test('https goes through the tunnel of a proxy, and a certificate for another name is refused', async (context) => {
  const secure = createServer({ cert: pem('server.pem'), key: pem('server.key') }, (_, response) =>
    response.end('list'),
  );
  const proxy = await serveProxy();
  context.after(() => Promise.all([proxy.close(), new Promise((done) => secure.close(done))]));
  await new Promise<void>((done) => secure.listen(0, '127.0.0.1', done));
  const { port } = secure.address() as AddressInfo;
  // Node reads the certificates of the environment only when it starts.
  const module = new URL('../../../../domain/machine/http/read-page.js', import.meta.url).href;
  const program = `
    const { readPage } = await import('${module}');
    const page = await readPage(new URL(process.argv[1]), 'text/html').catch((error) => ({ text: error.code }));
    console.log(page.text);`;
  const read = async (host: string) => {
    const env = {
      ...process.env,
      https_proxy: proxy.url,
      no_proxy: '127.0.0.1',
      NODE_EXTRA_CA_CERTS: fixture('tls/ca.pem'),
    };
    const args = ['--input-type=module', '-e', program, `https://${host}:${port}/`];
    return (await runCommand(process.execPath, args, { env })).stdout.trim();
  };
  assert.equal(await read('temporal.test'), 'list');
  assert.deepEqual(proxy.asked, [`temporal.test:${port}`]);
  assert.equal(await read('other.test'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await read('127.0.0.1'), 'ERR_TLS_CERT_ALTNAME_INVALID');
});

function pem(name: string): Buffer {
  return readFileSync(fixture(`tls/${name}`));
}
