import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ensureTemporalServer } from '../../../client/server/temporal-server.js';
import { runCli, startCli, TOY_PLUGIN, writeToyPipeline } from '../../support/cli.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Runs a command that must end before the server would have been given up. */
async function endsSoon(context: TestContext, folder: string, ...args: string[]) {
  const command = startCli(folder, ...args);
  const timer = setTimeout(() => command.child.kill('SIGKILL'), 40_000);
  context.after(() => clearTimeout(timer));
  return command.ended;
}

test('a damaged server database is named, with the command that moves it away', async (context) => {
  const folder = temporaryFolder(context);
  const { server } = await ensureTemporalServer();
  const state = join(folder, 'state');
  mkdirSync(state);
  writeFileSync(join(state, `temporal-${server}.db`), new Uint8Array(20_000).fill(7));
  const { code, stderr } = await endsSoon(context, folder, 'server');
  assert.equal(code, 1);
  assert.match(stderr, /temporal-\S+\.db: the database of the embedded Temporal server is damaged\n/);
  assert.match(stderr, /next .*mv .*sam-mil resume RUN/);
});

test('a port that is taken is named, and the command ends', async (context) => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  context.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  for (const option of ['--port', '--ui-port']) {
    const { code, stderr } = await endsSoon(context, temporaryFolder(context), 'server', option, `${port}`);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^sam-mil: another program uses port ${port}[\\s\\S]*next .*--ui-port`));
  }
});

test('a damaged credential is named, with the command that replaces it', async (context) => {
  const folder = temporaryFolder(context);
  const server = startCli(folder, 'server');
  await server.says('Web UI');
  const file = writeToyPipeline(folder);
  for (const name of ['client.key', 'client.pem', 'ca.pem']) {
    const path = join(folder, 'state', 'tls', name);
    const kept = readFileSync(path);
    writeFileSync(path, 'garbage');
    const { code, stderr } = await runCli(folder, 'run', file, '--plugin', TOY_PLUGIN);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^sam-mil: the credential of the embedded server in \S+tls is damaged: .*PEM/);
    assert.match(stderr, /next .*sam-mil server --stop/);
    writeFileSync(path, kept);
  }
  assert.equal((await runCli(folder, 'server', '--stop')).stdout, 'stopped\n');
  await server.ended;
});
