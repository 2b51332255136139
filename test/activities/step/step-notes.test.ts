import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StepNotes } from '../../../activities/step/step-notes.js';
import { control } from '../../support/stub-plugin.js';
import { StubSteps } from '../../support/stub-step.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a receipt keeps the warnings, device and peak memory of its step, also where outputs are linked; the key has none of them', async (context) => {
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  const run = (item: string, text: string, stage = 'stage') =>
    steps.run('stub.write', { item, stage, with: { text } });
  const large = 300 * 2 ** 20;
  control(work, 'large', { warn: 'odd slides', allocate: large });
  const first = (await run('large', 'a')).receipt;
  const second = (await run('small', 'b')).receipt;
  assert.deepEqual(first.made.warnings, ['odd slides: a, b']);
  assert.deepEqual([first.made.devices, second.made.devices], [['cpu'], ['cpu']]);
  assert.equal(second.made.warnings, undefined);
  assert.ok(first.made.memory! > large, `${first.made.memory}`);
  if (process.platform === 'linux')
    assert.ok(second.made.memory! < large, 'the peak is that of the step, not of the process');
  const again = await steps.run('stub.write', { item: 'large', stage: 'other', with: { text: 'a' } });
  assert.equal(again.how, 'linked');
  assert.equal(again.receipt.key, first.key);
  assert.deepEqual(again.receipt.made.warnings, first.made.warnings);
  assert.equal(again.receipt.made.memory, first.made.memory);
});

test('patches per second count from the first report of an attempt to the last; other units and a single report give none', async () => {
  const attempt = {
    number: 1,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onLog: () => undefined,
  };
  const pace = async (reports: [unit: string, done: number][], waited?: number) => {
    const notes = new StepNotes();
    const listening = notes.listenTo({ ...attempt, ...(waited !== undefined && { waited }) });
    for (const [unit, done] of reports) {
      listening.onProgress({ unit, done, total: 100 });
      await sleep(20);
    }
    return notes.made;
  };
  const resumed = await pace(
    [
      ['patches', 5000],
      ['patches', 5010],
      ['patches', 5020],
    ],
    1.5,
  );
  assert.equal(resumed.waited, 1.5);
  // 20 patches in at least 40 ms.
  assert.ok(resumed.patchesPerSecond! > 0 && resumed.patchesPerSecond! <= 510, `${resumed.patchesPerSecond}`);
  assert.deepEqual(await pace([['patches', 10]]), {});
  assert.deepEqual(
    await pace([
      ['patches', 10],
      ['patches', 10],
    ]),
    {},
  );
  assert.deepEqual(
    await pace([
      ['epochs', 1],
      ['epochs', 2],
    ]),
    {},
  );
});
