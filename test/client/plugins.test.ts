import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { validatePipeline } from '../../client/index.js';
import { lastObject, runCli, startCli, TOY_PLUGIN } from '../support/cli.js';
import { checkout } from '../support/fixtures.js';
import { greetingCode, writePluginPackage, writeTree } from '../support/plugin-package.js';

/** A user's folder with a plugin package in node_modules, and one server for all tests of this file. */
let folder: string;
let server: ReturnType<typeof startCli>;

const sam = (...args: string[]) => runCli(folder, ...args);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-plugins-'));
  writePluginPackage(join(folder, 'node_modules', 'greeter'));
  writeStudy('study', 'greeter');
  server = startCli(folder, 'server');
  await server.says('Web UI');
});

after(async () => {
  server.child.kill('SIGINT');
  assert.equal((await server.ended).code, 0);
  rmSync(folder, { recursive: true });
});

function writeStudy(name: string, plugins: string, extra = ''): void {
  writeTree(folder, {
    [`${name}.yaml`]: `pipeline: 1
name: ${name}
plugins: ${plugins}
stages:
  hello:
    uses: greeter.greet
    with: { name: Ann }${extra}
`,
  });
}

test('problems of a plugin have a line, a caret, a code and a hint; what only the plugin knows is not guessed', async () => {
  writeTree(folder, { 'plain.mjs': 'export const answer = 42;' });
  writePluginPackage(join(folder, 'twin'));
  writeStudy('bad', '[greetr, ./plain.mjs]', '\n    need: []');
  const { code, stdout } = await sam('validate', 'bad.yaml');
  assert.equal(code, 2);
  assert.equal(
    stdout,
    `bad.yaml:3:11  error unknown-plugin  the package \`greetr\` is not installed; found no such package in node_modules of ${folder}, of ${checkout}, or of a folder above
    3 | plugins: [greetr, ./plain.mjs]
      |           ^^^^^^
  hint: run \`npm install greetr\`; if it is a path, begin it with ./ or /

bad.yaml:3:19  error bad-plugin  ${folder}/plain.mjs exports no plugin; expected \`export const plugin = { name, activities }\`; found answer in ${folder}/plain.mjs
    3 | plugins: [greetr, ./plain.mjs]
      |                   ^^^^^^^^^^^

bad.yaml:8:5  error unknown-key  stage \`hello\` has no key \`need\`
    8 |     need: []
      |     ^^^^
  hint: write \`needs\`

bad.yaml: not valid, 1 stage, 3 errors
`,
  );
  writeStudy('clash', '[greeter, ./twin]');
  const clash = await validatePipeline(join(folder, 'clash.yaml'));
  assert.deepEqual(
    clash.map(({ code: problem, place }) => [problem, place.line, place.column]),
    [['plugin-clash', 3, 20]],
  );
});

test('validate, plan, schema and graph use the plugins of a file without an option', async () => {
  assert.deepEqual((await sam('validate', 'study.yaml')).stdout, 'study.yaml: valid, 1 stage, no problems\n');
  assert.deepEqual(await validatePipeline(join(folder, 'study.yaml')), []);
  const plan = JSON.parse((await sam('plan', 'study.yaml', '--json')).stdout.split('\n')[0]) as {
    plan: { plugins: string[] };
  };
  assert.deepEqual(plan.plan.plugins, ['greeter'], 'by name, so that another host finds it');
  assert.match((await sam('schema', 'study.yaml')).stdout, /"greeter\.greet"/);
  assert.match((await sam('schema', '--plugin', 'greeter')).stdout, /"greeter\.greet"/);
  assert.doesNotMatch((await sam('schema')).stdout, /"greeter\.greet"/);
  assert.match((await sam('graph', 'study.yaml')).stdout, /greeter\.greet/);
});

test('a run gives its plugins to its worker; an edited implementation runs again, with the reason, and the run resumes with it', async () => {
  const implementation = join(folder, 'node_modules', 'greeter', 'src', 'greet.js');
  const result = join(folder, 'work', 'study', 'hello', 'greeting.txt');
  const first = await sam('run', 'study.yaml');
  assert.equal(first.code, 0, first.stderr + first.stdout);
  assert.equal(readFileSync(result, 'utf8'), 'Hello Ann\n');
  assert.match((await sam('plan', 'study.yaml', '--why')).stdout, /nothing to do/);

  writeFileSync(implementation, greetingCode('Bye'));
  assert.match(
    (await sam('plan', 'study.yaml', '--why')).stdout,
    /hello {2}hello {2}code of plugin greeter changed/,
  );
  assert.equal((await sam('run', 'study.yaml')).code, 0);
  assert.equal(readFileSync(result, 'utf8'), 'Bye Ann\n');

  writeFileSync(implementation, greetingCode('Hello'));
  const resumed = await sam('resume', 'latest', '--json');
  assert.deepEqual([resumed.code, lastObject(resumed).status], [0, 'done'], resumed.stderr);
  assert.equal(readFileSync(result, 'utf8'), 'Hello Ann\n');
});

test('a run is refused next to a worker without its plugin, but not next to one started with its file; each prefix is separate', async () => {
  const ready = 'worker serves engine, cpu';
  const without = startCli(folder, 'worker', '--no-set-up', '--queues', 'engine,cpu', '--plugin', TOY_PLUGIN);
  await without.says(ready);
  const refused = await sam('run', 'study.yaml', '--force', '*');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /without the plugin \S*node_modules\/greeter: it would receive steps/);

  const apart = await sam('run', 'study.yaml', '--force', '*', '--prefix', 'lab', '--json');
  assert.deepEqual([apart.code, lastObject(apart).status], [0, 'done'], apart.stderr);
  without.child.kill('SIGTERM');
  await without.ended;
  const resumed = await sam('resume', lastObject(apart).run as string, '--json');
  assert.deepEqual([resumed.code, lastObject(resumed).status], [0, 'done'], resumed.stderr);

  const given = startCli(
    folder,
    'worker',
    'study.yaml',
    '--no-set-up',
    '--queues',
    'engine,cpu',
    '--prefix',
    'lab',
  );
  await given.says(ready);
  const served = await sam('run', 'study.yaml', '--force', '*', '--prefix', 'lab');
  assert.match(served.stdout, /and the worker that serves it/);
  assert.equal(served.code, 0, served.stderr);
  given.child.kill('SIGTERM');
  assert.equal((await given.ended).code, 0);
});
