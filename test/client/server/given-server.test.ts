import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { test } from 'node:test';
import { runCli, writeToyPipeline, TOY_PLUGIN } from '../../support/cli.js';
import { fixture } from '../../support/fixtures.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

for (const [title, pair, protocol, expected] of [
  ['swapped certificate and key', ['client.key', 'client.pem'], 'h2', /the files may be swapped/],
  [
    'a key of another pair',
    ['client.pem', 'other.key'],
    'h2',
    /client key does not fit the client certificate/,
  ],
  ['a server without HTTP/2', ['client.pem', 'client.key'], 'http/1.1', /does not offer HTTP\/2/],
] as const) {
  test(`${title}: named with what to do, exit code 3, no fault of sam-mil`, async (context) => {
    const server = createServer({
      cert: readFileSync(fixture('tls/server.pem')),
      key: readFileSync(fixture('tls/server.key')),
      ALPNProtocols: [protocol],
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    context.after(() => server.close());
    const folder = temporaryFolder(context);
    const file = writeToyPipeline(folder);
    // The configuration file that the command line of tests is given.
    writeFileSync(
      join(folder, 'none.toml'),
      `[profile.lab]
address = "127.0.0.1:${(server.address() as AddressInfo).port}"
[profile.lab.tls]
server_name = "temporal.test"
server_ca_cert_path = "${fixture('tls/ca.pem')}"
client_cert_path = "${fixture(`tls/${pair[0]}`)}"
client_key_path = "${fixture(`tls/${pair[1]}`)}"
`,
    );
    const { code, stderr } = await runCli(folder, 'run', file, '--profile', 'lab', '--plugin', TOY_PLUGIN);
    assert.equal(code, 3, stderr);
    assert.match(stderr, expected);
    assert.match(stderr, /TLS with the Temporal server at .*\n {2}next {5}correct the profile/);
    assert.doesNotMatch(stderr, /a bug in sam-mil/);
  });
}
