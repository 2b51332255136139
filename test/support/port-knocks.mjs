// What somebody without the owner's credential gets from a port, by each way of knocking. Plain JavaScript
// with Node's own modules, so that another account can run it: node port-knocks.mjs PORT [CERTIFICATE KEY]
import { readFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [port, certificate, key] = process.argv.slice(2);
const host = '127.0.0.1';
const HTTP2_PREFACE = Buffer.from(
  '505249202a20485454502f322e300d0a0d0a534d0d0a0d0a000000040000000000',
  'hex',
);
const WAIT_MILLISECONDS = 1500;

/** Text that came back, or the error's code. */
function answer(socket, opened, message) {
  return new Promise((done) => {
    const chunks = [];
    const end = (failure) => {
      socket.destroy();
      done(failure ?? Buffer.concat(chunks).toString('latin1'));
    };
    socket.on(opened, () => socket.write(message));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error) => end(error.code ?? error.message));
    socket.on('close', () => end());
    setTimeout(end, WAIT_MILLISECONDS).unref();
  });
}

const post = (path, headers) =>
  [
    `POST ${path} HTTP/1.1`,
    ...headers,
    'Content-Type: text/plain',
    'Content-Length: 2',
    'Connection: close',
    '',
    '{}',
  ].join('\r\n');
const get = (path, headers) => [`GET ${path} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');
const own = `Host: ${host}:${port}`;
const plain = (message) => answer(connectPlain(Number(port), host), 'connect', message);
const secure = (options) =>
  answer(
    connectTls({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'], ...options }),
    'secureConnect',
    HTTP2_PREFACE,
  );
const start = '/api/v1/namespaces/default/workflows/stranger';

const answers = {
  'a cross-site form': await plain(post(start, [own, 'Origin: http://evil.test'])),
  'a form without an origin': await plain(post(start, [own])),
  'a rebound name': await plain(get('/api/v1/namespaces/default/workflows', ['Host: evil.test'])),
  'a page of another port': await plain(get('/', [own, 'Sec-Fetch-Site: same-site'])),
  'a browser without the token': await plain(get('/', [own])),
  'a browser that guesses': await plain(get('/?token=0', [own, 'Cookie: sam-mil-ui=0'])),
  'gRPC in plain text': await plain(HTTP2_PREFACE),
  'TLS without a certificate': await secure({}),
};
if (certificate !== undefined) {
  answers['TLS with a certificate of another authority'] = await secure({
    cert: readFileSync(certificate),
    key: readFileSync(key),
  });
}
console.log(JSON.stringify(answers));
