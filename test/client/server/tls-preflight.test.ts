import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer, type AddressInfo, type Server } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { after, before, test } from 'node:test';
import { explainTls } from '../../../client/server/tls-preflight.js';
import { fixture } from '../../support/fixtures.js';

const pem = (name: string) => readFileSync(fixture(`tls/${name}`));
const ca = pem('ca.pem');
const pair = { crt: pem('client.pem'), key: pem('client.key') };
const strangers = { crt: pem('other.pem'), key: pem('other.key') };
const name = 'temporal.test';

let mutual: Server;
let plain: Server;

before(async () => {
  const options: TlsOptions = {
    cert: pem('server.pem'),
    key: pem('server.key'),
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  };
  mutual = createServer({ ...options, ALPNProtocols: ['h2'] }, (socket) =>
    socket.on('error', () => undefined),
  );
  plain = createPlainServer((socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  for (const server of [mutual, plain])
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});

after(() => {
  mutual.close();
  plain.close();
});

function addressOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const cases: [string, Parameters<typeof explainTls>[1], RegExp | undefined][] = [
  [
    'the right certificates hold',
    { serverNameOverride: name, serverRootCACertificate: ca, clientCertPair: pair },
    undefined,
  ],
  [
    'no client certificate',
    { serverNameOverride: name, serverRootCACertificate: ca },
    /requires a client certificate and the profile has none/,
  ],
  [
    'a client certificate of another authority',
    { serverNameOverride: name, serverRootCACertificate: ca, clientCertPair: strangers },
    /it may not accept the client certificate/,
  ],
  [
    'a server of another authority',
    { serverNameOverride: name, serverRootCACertificate: strangers.crt, clientCertPair: pair },
    /certificate is not signed by an authority that the profile names/,
  ],
  [
    'a server with another name',
    { serverNameOverride: 'elsewhere.test', serverRootCACertificate: ca, clientCertPair: pair },
    /is for another name; set server_name/,
  ],
];

for (const [title, tls, expected] of cases) {
  test(`TLS: ${title}`, async () => {
    const reason = await explainTls(addressOf(mutual), tls);
    if (expected === undefined) assert.equal(reason, undefined);
    else assert.match(reason ?? '', expected);
  });
}

test('TLS: a server without TLS', async () => {
  assert.match((await explainTls(addressOf(plain), true)) ?? '', /does not speak TLS on this port/);
});
