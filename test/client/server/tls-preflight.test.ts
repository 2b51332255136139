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

const trusted = { serverNameOverride: name, serverRootCACertificate: ca };
cases.push(
  [
    'a key that does not fit its certificate',
    { ...trusted, clientCertPair: { crt: pair.crt, key: strangers.key } },
    /client key does not fit the client certificate/,
  ],
  [
    'certificate and key swapped',
    { ...trusted, clientCertPair: { crt: pair.key, key: pair.crt } },
    /named as client certificate \(client_cert_path\) holds a private key; the files may be swapped/,
  ],
  [
    'a certificate as key',
    { ...trusted, clientCertPair: { crt: pair.crt, key: pair.crt } },
    /named as client key \(client_key_path\) holds a certificate/,
  ],
  [
    'a key as authority',
    { serverNameOverride: name, serverRootCACertificate: pair.key },
    /named as certificate of the authority \(server_ca_cert_path\) holds a private key/,
  ],
  [
    'text as key',
    { ...trusted, clientCertPair: { crt: pair.crt, key: Buffer.from('key') } },
    /is not in PEM/,
  ],
  [
    'a client certificate that has expired',
    { ...trusted, clientCertPair: { crt: pem('expired.pem'), key: pem('expired.key') } },
    /the client certificate expired on .*2021/,
  ],
  [
    'a client certificate of the future',
    { ...trusted, clientCertPair: { crt: pem('not-yet.pem'), key: pem('not-yet.key') } },
    /the client certificate is not valid before .*2125/,
  ],
);

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

for (const [title, files, protocols, expected] of [
  ['offers only HTTP/1.1', 'server', ['http/1.1'], /does not offer HTTP\/2/],
  ['negotiates no protocol', 'server', undefined, /does not offer HTTP\/2/],
  ['has a certificate of the future', 'not-yet', ['h2'], /certificate is not valid yet; check the clocks/],
  ['has an expired certificate', 'expired', ['h2'], /server's certificate has expired/],
] as const) {
  test(`TLS: a server that ${title}`, async (context) => {
    const server = createServer({
      cert: pem(`${files}.pem`),
      key: pem(`${files}.key`),
      ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    context.after(() => server.close());
    const authority = files === 'server' ? ca : pem(`${files}.pem`);
    const tls = { serverNameOverride: name, serverRootCACertificate: authority };
    assert.match((await explainTls(addressOf(server), tls)) ?? '', expected);
  });
}
