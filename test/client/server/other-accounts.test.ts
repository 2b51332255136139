import assert from 'node:assert/strict';
import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { Connection } from '@temporalio/client';
import type { EmbeddedServer } from '../../../client/server/embedded-server.js';
import { embeddedConnection } from '../../../client/server/embedded-credential.js';
import { isProcessAlive } from '../../../domain/machine/file-lock.js';
import { runCommand, type CommandResult } from '../../../domain/machine/run-command.js';
import { PROGRAM, startCli, type Cli } from '../../support/cli.js';
import { checkout, fixture } from '../../support/fixtures.js';
import { listenersOf, type Listener } from '../../support/listening-ports.js';

/** The server of an owner, as a command of theirs runs it. Its parent folder is open to everyone. */
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-owner-'));
const state = join(folder, 'state');
const PORT_KNOCKS = join(checkout, 'test', 'support', 'port-knocks.mjs');

let cli: Cli;
let server: EmbeddedServer;
let ports: Listener[];

before(async () => {
  chmodSync(folder, 0o755);
  cli = startCli(folder, 'server');
  await cli.says('Ctrl-C');
  server = JSON.parse(readFileSync(join(state, 'server.json'), 'utf8')) as EmbeddedServer;
  ports = process.platform === 'linux' ? listenersOf(server.pid) : [];
});

after(async () => {
  cli.child.kill('SIGINT');
  assert.equal((await cli.ended).code, 0);
  assert.equal(isProcessAlive(server.pid), false);
  rmSync(folder, { recursive: true });
});

const onLinux = { skip: process.platform !== 'linux' && 'the ports of a process are read from /proc' };

test('the server listens on loopback only, on one port per service and one for its Web UI', onLinux, () => {
  assert.deepEqual(new Set(ports.map(({ host }) => host)), new Set(['0100007F']));
  assert.equal(ports.length, 5);
});

test(
  'every port refuses whoever has no certificate of the owner, cross-site requests included',
  onLinux,
  async () => {
    for (const { port } of ports) {
      const pair = [fixture('tls/other.pem'), fixture('tls/other.key')];
      refusesAll(port, await runCommand(process.execPath, [PORT_KNOCKS, `${port}`, ...pair]));
    }
  },
);

function refusesAll(port: number, { code, stdout, stderr }: CommandResult): void {
  assert.equal(code, 0, stderr);
  const answers = Object.entries(JSON.parse(stdout) as Record<string, string>);
  assert.ok(answers.length >= 8);
  for (const [knock, answer] of answers) {
    const refused =
      answer === '' ||
      /^HTTP\/1\.[01] (400|401|403|404) /.test(answer) ||
      /^(ECONNRESET|EPIPE|ERR_SSL_\w+)$/.test(answer);
    assert.ok(refused, `port ${port} answers ${knock}: ${answer}`);
  }
}

test('the owner’s certificate opens the frontend, and without it the frontend answers nothing', async () => {
  const connection = await Connection.connect(embeddedConnection(server.address, state));
  await connection.workflowService.listWorkflowExecutions({ namespace: 'default' });
  await connection.close();
  await assert.rejects(Connection.connect({ address: server.address, connectTimeout: 2000 }));
});

test('the Web UI opens with the printed URL, and acts only for its own page', async () => {
  const url = new URL(server.ui);
  const admitted = await fetch(url, { redirect: 'manual' });
  const cookie = admitted.headers.get('set-cookie') ?? '';
  assert.match(cookie, /; Path=\/[0-9a-f]{32}\/; HttpOnly; SameSite=Strict$/);
  const headers = { Cookie: cookie.split(';')[0] };
  const page = await fetch(new URL(url.pathname, url), { headers });
  assert.match(await page.text(), /<!doctype html>/i);
  const namespaces = new URL(`${url.pathname}api/v1/namespaces`, url);
  assert.equal((await fetch(namespaces, { headers })).status, 200);
  assert.equal((await fetch(namespaces)).status, 401);

  const terminate = new URL(`${url.pathname}api/v1/namespaces/default/workflows/none/terminate`, url);
  const send = (more: Record<string, string>) =>
    fetch(terminate, { method: 'POST', body: '{}', headers: { ...headers, ...more } });
  assert.equal((await send({ Origin: url.origin })).status, 404, 'there is no such workflow');
  for (const foreign of [
    {},
    { Origin: 'http://evil.test' },
    { Origin: 'null' },
    { Origin: `http://127.0.0.1:${Number(url.port) + 1}` },
    { Origin: url.origin, 'Sec-Fetch-Site': 'cross-site' },
  ] as Record<string, string>[])
    assert.equal((await send(foreign)).status, 403, JSON.stringify(foreign));
});

const OTHER = ['--reuid=65534', '--regid=65534', '--clear-groups'];

/** Runs Node as an account without any right to the owner's files; undefined where that is not possible. */
async function asOther(context: TestContext, ...args: string[]): Promise<CommandResult | undefined> {
  const program = (...command: string[]) =>
    runCommand('setpriv', [...OTHER, process.execPath, ...command], {
      cwd: '/',
      env: { PATH: process.env.PATH, SAM_MIL_STATE: state, TEMPORAL_CONFIG_FILE: '/none' },
      timeout: 60_000,
    });
  if (process.getuid?.() !== 0) return void context.skip('only root can act as another account');
  const reads = [
    '-e',
    `fs.accessSync(${JSON.stringify(args[0] === '-e' ? '/' : args[0])}, fs.constants.R_OK)`,
  ];
  if ((await program(...reads)).code !== 0)
    return void context.skip('the other account cannot run this checkout');
  return program(...args);
}

const READ_EVERYTHING = `
const { readdirSync, readFileSync, writeFileSync } = require('node:fs');
const state = process.env.SAM_MIL_STATE;
const outcome = (act) => { try { act(); return 'done'; } catch (error) { return error.code; } };
const files = ${JSON.stringify([
  'server.json',
  'server.log',
  'temporal.toml',
  'tls/client.key',
  'tls/client.pem',
  'tls/ca.pem',
  'users',
])};
console.log(JSON.stringify([
  outcome(() => readdirSync(state)),
  ...[...files, process.argv[1]].map((name) => outcome(() => readFileSync(state + '/' + name))),
  outcome(() => writeFileSync(state + '/server.json', '{}')),
  outcome(() => process.kill(${'Number(process.argv[2])'}, 'SIGTERM')),
]));`;

test('another account reads and writes nothing in the state folder, and cannot end the server', async (context) => {
  const database = server.database.slice(state.length + 1);
  const result = await asOther(context, '-e', READ_EVERYTHING, database, `${server.pid}`);
  if (result === undefined) return;
  assert.equal(result.code, 0, result.stderr);
  const outcomes = JSON.parse(result.stdout) as string[];
  assert.deepEqual(outcomes, [...Array<string>(10).fill('EACCES'), 'EPERM']);
});

test('another account is refused by every port, and by every command on the owner’s state', async (context) => {
  for (const { port } of ports) {
    const result = await asOther(context, PORT_KNOCKS, `${port}`);
    if (result === undefined) return;
    refusesAll(port, result);
  }
  accessSync(PROGRAM, constants.R_OK);
  for (const command of [
    ['server'],
    ['status'],
    ['ls'],
    ['worker'],
    ['worker', '--address', server.address],
  ]) {
    const result = await asOther(
      context,
      PROGRAM,
      ...command,
      ...(command[0] === 'worker' ? ['--no-set-up'] : []),
    );
    assert.ok(result !== undefined);
    assert.doesNotMatch(result.stdout, /running|serves/, command.join(' '));
    if (command[0] !== 'ls') assert.notEqual(result.code, 0, `${command.join(' ')}: ${result.stdout}`);
  }
});

test('the command line of the server, which every account can see, contains no secret', onLinux, () => {
  const shown = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').split('\0').filter(Boolean).slice(1);
  assert.deepEqual(shown, ['-folder', state, '-port', '0', '-ui-port', '0']);
});
