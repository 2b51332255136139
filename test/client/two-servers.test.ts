import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { holderPath } from '../../domain/engine/store/paths.js';
import { gateOf, lastObject, runCli, startCli, TOY_PLUGIN, writeToyPipeline } from '../support/cli.js';
import { eventually } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const plugin = ['--plugin', TOY_PLUGIN];

test('two users with embedded servers of their own do not run in one work folder at once', async (context) => {
  const [first, second] = [temporaryFolder(context), temporaryFolder(context)];
  const study = join(temporaryFolder(context), 'study');
  const work = ['--work', study];
  const file = writeToyPipeline(first);
  writeFileSync(gateOf(first), '');
  const running = startCli(first, 'run', file, ...work, ...plugin);
  context.after(() => running.child.kill('SIGINT'));
  await running.says(/make/);

  const refused = await runCli(second, 'run', file, ...work, ...plugin);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /a run on another Temporal server uses the work folder/);
  assert.match(refused.stderr, /found +run toy-\S+ of .* the embedded Temporal server of /);
  assert.match(refused.stderr, /next .*npx sam-mil cancel toy-.*--take-over/);

  const holder = () => readFileSync(holderPath(study), 'utf8');
  const before = holder();
  const taking = startCli(second, 'run', file, ...work, ...plugin, '--take-over', '--json');
  await taking.says(/taking the work folder from run toy-/);
  await eventually('the folder has another holder', () => holder() !== before);
  rmSync(gateOf(first));
  const taken = await taking.ended;
  assert.equal(taken.code, 0, taken.stderr + taken.stdout);
  assert.equal(lastObject(taken).status, 'done');
  await running.says(/TakenOver|no longer holds its work folder/);
});
