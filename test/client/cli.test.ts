import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lastObject, PROGRAM, startCli, TOY_PLUGIN, writeToyPipeline } from '../support/cli.js';
import { CommandLine } from '../support/command-line.js';

let folder: string;
let commands: CommandLine;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-cli-'));
  commands = new CommandLine(folder);
  writeToyPipeline(folder);
});
after(() => {
  commands.stop();
  rmSync(folder, { recursive: true });
});

const sam = (...args: string[]) => commands.run(...args);
const plugin = ['--plugin', TOY_PLUGIN];

test('validate: a good file, in words and in JSON', async () => {
  const words = await sam('validate', 'toy.yaml', ...plugin);
  assert.deepEqual([words.code, words.text], [0, 'toy.yaml: valid, 2 stages, no problems\n']);
  const json = await sam('validate', 'toy.yaml', '--json', ...plugin);
  assert.deepEqual(lastObject(json), { file: 'toy.yaml', valid: true, errors: 0, warnings: 0 });
});

test('validate reports every mistake of a file with its place and a hint, and exits with code 2', async () => {
  writeFileSync(
    join(folder, 'bad.yaml'),
    'pipeline: 1\nname: bad\nstages:\n  one:\n    uses: toy.mak\n    with: { text: a }\n  two:\n    uses: toy.count\n    need: one\n',
  );
  const words = await sam('validate', 'bad.yaml', ...plugin);
  assert.equal(words.code, 2);
  assert.match(words.stdout, /bad\.yaml:5:11 {2}error \S+ {2}.*toy\.mak/);
  assert.match(words.stdout, /did you mean `toy\.make`/);
  assert.match(words.stdout, /bad\.yaml:9:5 .*`?need`?/);
  assert.match(words.stdout, /^bad\.yaml: not valid, 2 stages, \d+ errors/m);
  const json = await sam('validate', 'bad.yaml', '--json', ...plugin);
  const lines = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(lines.at(-1)?.valid, false);
  assert.equal(lines.at(-1)?.errors, lines.length - 1);
  assert.deepEqual([lines[0].line, lines[0].column], [5, 11]);
});

test('run refuses an invalid file before it starts anything', async () => {
  const outcome = await sam('run', 'bad.yaml', ...plugin);
  assert.equal(outcome.code, 2);
  assert.match(outcome.stderr, /sam-mil: bad\.yaml cannot run: \d+ errors/);
});

test('run --json ends with an object that has a status even if no run was started', async () => {
  const invalid = await sam('run', 'bad.yaml', '--json', ...plugin);
  assert.equal(lastObject(invalid).status, 'invalid');
  const missing = lastObject(await sam('run', 'none.yaml', '--json'));
  assert.equal(missing.status, 'invalid');
  assert.deepEqual(missing.error, {
    code: 'InvalidInput',
    what: 'the pipeline file does not exist',
    facts: {
      file: 'none.yaml',
      next: `correct the path; it starts from ${folder}`,
    },
  });
  const unreachable = await sam('run', 'toy.yaml', '--json', '--address', '127.0.0.1:1', ...plugin);
  assert.deepEqual([unreachable.code, lastObject(unreachable).status], [3, 'unreachable']);
});

test('Ctrl-C before there is a run exits immediately with code 130; --json prints an object', async (context) => {
  // Accepts connections and never answers, so that the command waits for it.
  const silent = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  context.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const command = startCli(folder, 'run', 'toy.yaml', '--json', '--address', `127.0.0.1:${port}`, ...plugin);
  silent.once('connection', () => command.child.kill('SIGINT'));
  const outcome = await command.ended;
  assert.equal(outcome.code, 130, outcome.stderr);
  assert.equal(lastObject(outcome).status, 'interrupted');
  assert.match(outcome.stderr, /^stopping: /);
});

test('arguments: each kind of mistake exits with code 2 and is named without a stack trace', async () => {
  const cases: [string[], RegExp][] = [
    [['rn'], /unknown command 'rn'[\s\S]*Did you mean run[\s\S]*see `npx sam-mil --help`/],
    [['run'], /missing required argument 'file'/],
    [['run', 'none.yaml'], /none\.yaml: the pipeline file does not exist\n {2}next {5}correct the path/],
    [['plan', 'toy.yaml', '--set', 'suffix', ...plugin], /--set suffix has no value/],
    [
      ['plan', 'toy.yaml', '--only', 'mke', ...plugin],
      /stage `mke` does not exist[\s\S]*did you mean `make`/,
    ],
    [['status', 'nothing'], /there is no run "nothing"/],
    [['worker', '--concurrency', 'cpu'], /expected QUEUE=N/],
    [['graph', 'toy.yaml', '--format', 'png', ...plugin], /unknown graph format "png"/],
    [['validate', 'toy.yaml', '--plugin', 'none.mjs'], /the plugin .*none\.mjs does not exist/],
    [['ls', '--frob'], /unknown option '--frob'/],
  ];
  for (const [args, expected] of cases) {
    const outcome = await sam(...args);
    assert.match(outcome.stderr, expected);
    assert.equal(outcome.code, 2, args.join(' '));
    assert.doesNotMatch(outcome.stderr, /\n {4}at /, 'no stack trace');
  }
});

test('a named server that does not answer is exit code 3', async () => {
  const outcome = await sam('run', 'toy.yaml', '--address', '127.0.0.1:1', ...plugin);
  assert.equal(outcome.code, 3);
  assert.match(outcome.stderr, /^sam-mil: no Temporal server answers at 127\.0\.0\.1:1\n {2}next {5}\S/);
});

test('plan, graph and schema need no server', async () => {
  const plan = await sam('plan', 'toy.yaml', '--why', ...plugin);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /▸ make +3 items to do +toy\.make +each word of a list/);
  assert.match(plan.stdout, /a, b, c {2}make {2}it has not run yet/);
  assert.match(plan.stdout, /3 items to do, 0 unchanged; 1 stage can only be checked/);
  const graph = await sam('graph', 'toy.yaml', ...plugin);
  assert.match(graph.stdout, /^flowchart TD\n[\s\S]* s_make --> s_count\n$/);
  const schema = await sam('schema', ...plugin);
  assert.match(schema.stdout, /"toy\.make"/);
  JSON.parse(schema.stdout);
});

test('ls and status report that there are no runs and no server', async () => {
  assert.match((await sam('ls')).stdout, /no runs yet/);
  const pause = await sam('pause');
  assert.equal(pause.code, 2);
});

test(
  'output into a file on a full disk is lost with exit code 1, and no process dies of it: a worker logs into its work folder',
  { skip: process.platform !== 'linux' },
  () => {
    // Every write to this device finds no space.
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, 'schema'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    assert.deepEqual([status, stderr], [1, '']);
  },
);
