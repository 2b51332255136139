import assert from 'node:assert/strict';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { embeddedConnection } from '../../client/server/embedded-credential.js';
import { startCli, type Cli } from '../support/cli.js';
import { STUB_PLUGIN } from '../support/engine.js';
import { CommandLine, type CommandOutcome } from '../support/command-line.js';

/**
 * One finished run of a small pipeline. Each of its records is damaged as a whole in each way before each
 * command. (The trial `records` edits single values, and looks at what a run takes over from them.) The
 * full product takes many minutes: `SAM_MIL_TRIALS=1` runs it; otherwise a command sees each kind of record,
 * with some of the damages.
 */
const FULL = process.env.SAM_MIL_TRIALS === '1';

let folder: string;
let server: Cli;
let worker: Cli;
let client: Client;
let commands: CommandLine;
const work = () => join(folder, 'work');
const intact = () => join(folder, 'intact');

const PIPELINE = `pipeline: 1
name: small
defaults:
  retry: { max-attempts: 1 }
stages:
  make:
    foreach: { glob: 'sources/*.txt', as: source }
    uses: stub.light
    with: { text: "\${{ source.name }}", from: "\${{ source.path }}" }
  join:
    needs: make
    uses: stub.join
    with: { items: "\${{ needs.make.items }}" }
  report:
    needs: make
    uses: pipeline.report
    with: { slides: "\${{ needs.make.items }}" }
`;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-records-'));
  commands = new CommandLine(folder);
  mkdirSync(join(folder, 'sources'));
  for (const name of ['a', 'b']) writeFileSync(join(folder, 'sources', `${name}.txt`), `${name}\n`);
  writeFileSync(join(folder, 'small.yaml'), PIPELINE);
  server = startCli(folder, 'server');
  await server.says('Web UI');
  worker = startCli(folder, 'worker', '--no-set-up', '--plugin', STUB_PLUGIN);
  await worker.says('worker serves');
  const record = readFileSync(join(folder, 'state', 'server.json'), 'utf8');
  const { address } = JSON.parse(record) as { address: string };
  const credentials = embeddedConnection(address, join(folder, 'state'));
  client = new Client({ connection: await Connection.connect(credentials) });
  const first = await commands.run(...COMMANDS.run());
  assert.equal(first.code, 0, first.text);
  cpSync(work(), intact(), { recursive: true, preserveTimestamps: true });
});

after(async () => {
  await client.connection.close();
  commands.stop();
  worker.child.kill('SIGTERM');
  await worker.ended;
  server.child.kill('SIGINT');
  await server.ended;
  rmSync(folder, { recursive: true });
});

const inWork = () => ['--work', work()];
const plugin = ['--plugin', STUB_PLUGIN];
const file = () => join(folder, 'small.yaml');
const COMMANDS = {
  status: () => ['status', 'latest', ...inWork()],
  ls: () => ['ls', ...inWork()],
  plan: () => ['plan', file(), '--why', ...inWork(), ...plugin],
  report: () => ['report', 'latest', ...inWork()],
  logs: () => ['logs', 'latest', 'make', ...inWork()],
  metrics: () => ['metrics', 'latest', ...inWork()],
  resume: () => ['resume', 'latest', '--no-worker', ...inWork()],
  run: () => ['run', file(), '--no-worker', ...inWork(), ...plugin],
};
type Command = keyof typeof COMMANDS;
/** These start a run, and take seconds. */
const STARTING: Command[] = ['resume', 'run'];
const READING = (Object.keys(COMMANDS) as Command[]).filter((name) => !STARTING.includes(name));

/** Each makes a record unusable. */
const DAMAGES: Record<string, (path: string) => void> = {
  deleted: (path) => rmSync(path),
  empty: (path) => writeFileSync(path, ''),
  null: (path) => writeFileSync(path, 'null'),
  '{}': (path) => writeFileSync(path, '{}'),
  '[]': (path) => writeFileSync(path, '[]'),
  'another version': (path) => writeFileSync(path, otherVersion(readFileSync(path, 'utf8'))),
  folder: (path) => {
    rmSync(path);
    mkdirSync(path);
  },
};

function otherVersion(text: string): string {
  const changed = text.replace(/"(receipt|plan|lock|results)": ?1/, '"$1": 0');
  return changed === text ? text.replace('{', '{"version": 99, ') : changed;
}

/** All records, relative to the work folder. */
function records(): string[] {
  return ['.runs', '.receipts'].flatMap((root) =>
    readdirSync(join(intact(), root), { recursive: true, encoding: 'utf8' })
      .map((path) => join(root, path))
      .filter((path) => lstatSync(join(intact(), path)).isFile()),
  );
}

function restore(): void {
  rmSync(work(), { recursive: true, force: true });
  cpSync(intact(), work(), { recursive: true, preserveTimestamps: true });
}

/** Returns what is wrong with how a command ended; undefined if it ended well or named the file. */
function complaint(outcome: CommandOutcome, path: string, usual: number | undefined): string | undefined {
  const { code, text } = outcome;
  if (code === undefined) return 'it hung';
  if (/a bug in sam-mil|a fault of sam-mil|Internal|TypeError|undefined|\[object/.test(text)) return text;
  if (code === 0 || code === usual) return undefined;
  const named = text.includes(basename(path)) && /next {2}|Next:|resume/i.test(text);
  return named && (code === 1 || code === 2) ? undefined : `exit ${code} without naming the file: ${text}`;
}

async function tryCommands(names: readonly Command[], path: string, damage: string): Promise<string[]> {
  restore();
  DAMAGES[damage](join(work(), path));
  const complaints: string[] = [];
  for (const name of names) {
    const found = complaint(await commands.run(...COMMANDS[name]()), path, usual.get(name));
    if (found !== undefined) complaints.push(`${path} ${damage}, ${name}: ${found}`);
  }
  return complaints;
}

/** Exit codes of the commands on the undamaged folder: the pipeline has no evaluation. */
const usual = new Map<Command, number | undefined>();

test('whatever happens to a record, commands that read end well or name the file', async () => {
  restore();
  for (const name of READING) usual.set(name, (await commands.run(...COMMANDS[name]())).code);
  assert.deepEqual(Object.fromEntries(usual), { status: 0, ls: 0, plan: 0, report: 0, logs: 0, metrics: 2 });
  const complaints: string[] = [];
  const chosen = FULL ? records() : firstOfEach(records());
  for (const [index, path] of chosen.entries())
    for (const damage of damagesFor(index)) complaints.push(...(await tryCommands(READING, path, damage)));
  assert.deepEqual(complaints, []);
});

test('`ls` and `status` show the run although a record is damaged, and name the file', async () => {
  for (const [record, expected] of [
    ['plan.json', /small-\S+ +damaged.*\n.*plan\.json: the plan of the run is damaged/],
    ['run.json', /small-\S+ +damaged.*\n.*run\.json: the record of how the run ended is damaged.*resume/],
  ] as const) {
    restore();
    const path = records().find((candidate) => candidate.endsWith(record)) ?? '';
    writeFileSync(join(work(), path), 'null');
    const { code, text } = await commands.run(...COMMANDS.ls());
    assert.equal(code, 0);
    assert.match(text, expected);
  }
});

test('a damaged record of who holds the folder is named: `gc` deletes nothing, `run` takes the folder', async () => {
  restore();
  const path = join(work(), '.runs', 'holder.json');
  writeFileSync(path, 'null');
  const refused = await commands.run('gc', work());
  assert.equal(refused.code, 2, refused.text);
  assert.match(refused.text, /holds the work folder is damaged: .*holder\.json: .*\n.*--force/);
  const { text } = await commands.run(...COMMANDS.run());
  assert.match(text, /taking the work folder; the record .* is damaged: .*holder\.json/);
  assert.equal((await commands.run('gc', work(), '--dry-run')).code, 0);
  await endOpenRuns();
});

test('whatever happens to a record, `resume` and `run` end well or name the file', async () => {
  const some = /work\.json|holder\.json|plan\.json|start\.json|run\.json|lock\.json|make\/a\/|\.keys/;
  const chosen = FULL ? records() : firstOfEach(records().filter((path) => some.test(path)));
  const complaints: string[] = [];
  for (const [index, path] of chosen.entries()) {
    for (const damage of damagesFor(index)) {
      for (const name of STARTING) {
        complaints.push(...(await tryCommands([name], path, damage)));
        await endOpenRuns();
      }
    }
  }
  assert.deepEqual(complaints, []);
});

/** One record of each kind. */
function firstOfEach(paths: string[]): string[] {
  const hashed = /\.(keys|digests)|events|receipts\/make/;
  const kinds = new Map(paths.map((path) => [hashed.exec(path)?.[0] ?? basename(path), path]));
  return [...kinds.values()];
}

/** All damages, or one, another for each record. */
function damagesFor(index: number): string[] {
  const all = Object.keys(DAMAGES);
  return FULL ? all : [all[index % all.length]];
}

/** A held run of the restored folder would be continued by the next command. */
async function endOpenRuns(): Promise<void> {
  const open = client.workflow.list({
    query: 'ExecutionStatus = "Running" AND WorkflowType = "pipelineRun"',
  });
  for await (const { workflowId } of open) await client.workflow.getHandle(workflowId).terminate();
}
