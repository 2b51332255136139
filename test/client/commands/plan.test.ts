import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { appendEvent, type RunEvent } from '../../../domain/engine/store/run-events.js';
import { runFolder } from '../../../domain/engine/store/paths.js';
import { mkdirSync } from 'node:fs';
import { TOY_PLUGIN } from '../../support/cli.js';
import { CommandLine } from '../../support/command-line.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Three stages, each on the items of the one before, over a table. */
function writePipeline(folder: string, text = '${{ slide.name }}'): void {
  const follow = (from: string) =>
    `    needs: ${from}\n    foreach: { from: ${from}, as: slide }\n    uses: toy.make\n    with: { text: x }\n`;
  writeFileSync(
    join(folder, 'p.yaml'),
    `pipeline: 1\nname: p\nplugins: [${TOY_PLUGIN}]\nstages:\n  make:\n` +
      `    foreach: { csv: table.csv, as: slide }\n    uses: toy.make\n    with: { text: '${text}' }\n` +
      `  again:\n${follow('make')}  last:\n${follow('again')}`,
  );
  const names = Array.from({ length: 24 }, (_, i) => `s${String(i).padStart(2, '0')},0.5`);
  writeFileSync(join(folder, 'table.csv'), `name,mpp\n${names.join('\n')}\n`);
}

async function planOf(context: TestContext, folder: string, ...args: string[]): Promise<string> {
  const { code, text } = await commandsOf(context, folder)('plan', 'p.yaml', ...args);
  assert.equal(code, 0, text);
  return text;
}

function commandsOf(context: TestContext, folder: string): CommandLine['run'] {
  const commands = new CommandLine(folder);
  context.after(() => commands.stop());
  return (...args) => commands.run(...args);
}

test('stages whose upstream cannot be listed depend on it; they are not up to date', async (context) => {
  const folder = temporaryFolder(context);
  writePipeline(folder);
  writeFileSync(join(folder, 'table.csv'), 'name,mpp\n');
  const run = commandsOf(context, folder);
  const { code, text } = await run('plan', 'p.yaml');
  assert.equal(code, 2, 'as `run`');
  const refusal = /^sam-mil: [^\n]*stage `make`: [^\n]*(\n {2}[^\n]*)*/m;
  const [refused] = refusal.exec(text) ?? [];
  assert.match(refused ?? '', /has no items/);
  assert.ok((await run('run', 'p.yaml')).text.includes(refused ?? ''));
  assert.match(text, /✘ make +its items cannot be listed/);
  assert.match(text, /\? again +depends on make/);
  assert.match(text, /\? last +depends on again/);
  assert.match(text, /1 stage would fail before any work; 2 stages can only be checked after/);
  assert.doesNotMatch(text, /up-to-date|unchanged\n/);
});

test('a column that the table does not have is refused once, with the near name', async (context) => {
  const folder = temporaryFolder(context);
  writePipeline(folder, '${{ slide.mp }}');
  const commands = new CommandLine(folder);
  context.after(() => commands.stop());
  const { code, text } = await commands.run('plan', 'p.yaml');
  assert.equal(code, 2);
  assert.match(text, /stage `make` \(s00, s01, s02 and 21 more items\): `slide` has no field `mp`/);
  assert.match(text, /did you mean `mpp`\?/);
  writePipeline(folder, '${{ default(slide.mp, slide.name) }}');
  assert.match(await planOf(context, folder), /▸ make +24 items to do/);
});

test('--why says that an item failed in the last run, and equal reasons share a line', async (context) => {
  const folder = temporaryFolder(context);
  writePipeline(folder);
  const [work, run] = [join(folder, 'work', 'p'), 'p-20260101-000000-aaa'];
  mkdirSync(runFolder(work, run), { recursive: true });
  const at = (second: number, event: RunEvent['event'], error?: RunEvent['error']): RunEvent => ({
    ...{ time: `2026-01-01T00:00:0${second}.000Z`, stage: 'make', item: 's07', step: 'make', attempt: 1 },
    ...{ event, host: 'h', pid: 1, ...(error && { error }) },
  });
  await appendEvent(work, run, 'w', at(1, 'started'));
  await appendEvent(work, run, 'w', at(2, 'failed', { code: 'InvalidInput', what: 'no tissue', facts: {} }));
  const text = await planOf(context, folder, '--why');
  assert.match(text, /^ +s07 +make +it failed in run p-20260101-000000-aaa: InvalidInput: no tissue$/m);
  assert.match(text, /^ +s00, s01, s02 and 20 more +make +it has not run yet$/m);
});
