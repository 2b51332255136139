import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type TlsOptions } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { fixture } from '../support/fixtures.js';
import { saneEnd } from './support/sane-end.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';

/** What a profile names; files by their names among the fixtures. */
interface Profile {
  serverName?: string;
  certificate?: string;
  key?: string;
  ca?: string;
}

interface Case {
  name: string;
  server?: string;
  alpn?: string[];
  profile: Profile;
  /** The message must match. */
  says: RegExp;
}

const GOOD: Profile = { certificate: 'client.pem', key: 'client.key', ca: 'ca.pem' };

const CASES: readonly Case[] = [
  { name: 'wrong name', profile: { ...GOOD, serverName: 'elsewhere.test' }, says: /another name/ },
  { name: 'expired', server: 'expired', profile: { ...GOOD, ca: 'expired.pem' }, says: /expired/ },
  {
    name: 'not yet valid',
    server: 'not-yet',
    profile: { ...GOOD, ca: 'not-yet.pem' },
    says: /not yet valid|not valid yet/,
  },
  { name: 'no client certificate', profile: { ca: 'ca.pem' }, says: /client certificate/ },
  {
    name: 'expired client certificate',
    profile: { ...GOOD, certificate: 'expired.pem', key: 'expired.key' },
    says: /client certificate.*expired|expired.*client certificate|may not accept the client certificate/,
  },
  {
    name: 'swapped files',
    profile: { certificate: 'client.key', key: 'client.pem', ca: 'ca.pem' },
    says: /client_cert|client_key|certificate|private key/,
  },
  {
    name: 'key of another certificate',
    profile: { ...GOOD, key: 'server.key' },
    says: /key.*(certificate|match)/,
  },
  { name: 'no h2', alpn: ['http/1.1'], profile: GOOD, says: /h2|HTTP\/2/ },
];

export const tls: Trial = {
  name: 'tls',
  title: 'certificates, keys and servers that do not fit: each is named, exit code 3',
  run: async (scene: Scene) => {
    for (const one of CASES) await tryCase(scene, one);
  },
};

async function tryCase(scene: Scene, { name, server, alpn, profile, says }: Case): Promise<void> {
  const port = await serve(scene, server ?? 'server', alpn ?? ['h2']);
  const config = join(scene.folder, `${name.replaceAll(' ', '-')}.toml`);
  writeFileSync(config, profileText(port, profile));
  const environment = { TEMPORAL_CONFIG_FILE: config };
  const args = ['worker', '--no-set-up', '--queues', 'engine', '--profile', 'lab'];
  const worker = scene.start(name.replaceAll(' ', '-'), scene.folder, args, { environment });
  await worker.endsWithin(60_000);
  scene.disturbed(name);
  const problem =
    saneEnd(worker) ??
    (worker.code === 3 ? undefined : `exit code ${worker.code}`) ??
    (says.test(worker.output) ? undefined : 'the reason is not named');
  const found = problem === undefined ? undefined : `${problem}: ${worker.lastWords}`;
  scene.expect(problem === undefined, `${name}: named, exit code 3`, found);
  worker.signal('SIGKILL');
}

async function serve(scene: Scene, certificate: string, alpn: string[]): Promise<number> {
  const read = (name: string) => readFileSync(fixture('tls', name));
  const options: TlsOptions = {
    cert: read(`${certificate}.pem`),
    key: read(`${certificate}.key`),
    ca: read('ca.pem'),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: alpn,
  };
  const server = createServer(options, (socket) => socket.on('error', () => socket.destroy()));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  scene.atEnd(() => server.close());
  return (server.address() as AddressInfo).port;
}

function profileText(port: number, { serverName = 'temporal.test', certificate, key, ca }: Profile): string {
  const path = (setting: string, name: string | undefined) =>
    name === undefined ? '' : `${setting} = ${JSON.stringify(fixture('tls', name))}\n`;
  return (
    `[profile.lab]\naddress = "127.0.0.1:${port}"\nnamespace = "default"\n[profile.lab.tls]\n` +
    `server_name = "${serverName}"\n` +
    path('client_cert_path', certificate) +
    path('client_key_path', key) +
    path('server_ca_cert_path', ca)
  );
}
