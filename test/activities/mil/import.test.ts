import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import type { FileRef } from '../../../domain/job.js';
import type { JsonObject } from '../../../domain/json.js';
import { loadPipeline } from '../../../domain/engine/language/load-pipeline.js';
import { RandomStream } from '../../../domain/random.js';
import { StubSteps } from '../../support/stub-step.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Twelve bags of which the odd ones hold an instance that is plain to see. */
function tableText(): string {
  const stream = new RandomStream('import');
  const lines = Array.from({ length: 60 }, (_, row) => {
    const bag = Math.floor(row / 5);
    const shift = bag % 2 === 1 && row % 5 === 0 ? 4 : 0;
    return `musk-${bag},${bag % 2},${stream.normal() + shift},${stream.normal()}`;
  });
  return `bag,label,f0,f1\n${lines.join('\n')}\n`;
}

const TRAINING = { repeat: 0, fold: 0, model: 'mean', epochs: 2, 'embed-dim': 8, select: 'last' };

test('what mil.import lists is split, trained on and evaluated, and is found again under another stage name', async (context) => {
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  writeFileSync(join(work, 'table.csv'), tableText());
  const outputs = async (uses: string, stage: string, given: JsonObject) =>
    (await steps.run(uses, { stage, with: given, item: stage, single: true })).receipt.outputs;

  const imported = await outputs('mil.import', 'import', { table: 'table.csv' });
  const { bags, labels } = imported;
  assert.equal((bags as unknown as FileRef).path, 'import/bags.jsonl');
  const { splits, slides } = await outputs('mil.split', 'split', {
    bags,
    labels,
    folds: 3,
    'val-ratio': 0.3,
  });
  assert.equal(slides, 12);
  const { checkpoint } = await outputs('mil.train-fold', 'train', { bags, splits, ...TRAINING });
  const { predictions } = await outputs('mil.evaluate', 'evaluate', {
    checkpoint,
    bags,
    splits,
    bootstrap: 0,
  });
  const scored = readFileSync(join(work, (predictions as unknown as FileRef).path), 'utf8');
  assert.equal(scored.trim().split('\n').length, 1 + 4, 'a third of the bags');

  const renamed = await steps.run('mil.import', {
    stage: 'musk',
    item: 'musk',
    single: true,
    with: { table: 'table.csv' },
  });
  assert.equal(renamed.how, 'linked');
  const again = await steps.run('mil.split', {
    stage: 'split',
    item: 'split',
    single: true,
    with: { bags: renamed.receipt.outputs.bags, labels, folds: 3, 'val-ratio': 0.3 },
  });
  assert.equal(again.how, 'cached', 'the list holds no path of its stage');

  for (let bag = 0; bag < 12; bag++) appendFileSync(join(work, `import/bags/musk-${bag}.h5`), 'x');
  const damaged = steps.run('mil.train-fold', {
    stage: 'damaged',
    with: { bags, splits, ...TRAINING, seed: 3 },
  });
  await assert.rejects(damaged, {
    code: 'OutputDamaged',
    message: /import\/bags\/musk-\d+\.h5: the file was changed after the step/,
  });
  appendFileSync(join(work, 'import/bags.jsonl'), '\n');
  await assert.rejects(steps.run('mil.split', { stage: 'edited', with: { bags, labels } }), {
    code: 'OutputDamaged',
    message: /bags\.jsonl: the file was changed after the step/,
  });
});

test('a list of bags is accepted as bags, and nothing else of the stage is', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'table.csv'), tableText());
  const registry = await loadRegistry();
  const catalog = Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));
  const messages = (bags: string) => {
    const text = [
      'pipeline: 1',
      'name: musk',
      'stages:',
      '  import: { uses: mil.import, with: { table: table.csv } }',
      '  split:',
      '    needs: import',
      '    uses: mil.split',
      `    with: { bags: '\${{ needs.import.${bags} }}', labels: '\${{ needs.import.outputs.labels }}' }`,
    ].join('\n');
    const { problems } = loadPipeline(text, { file: join(folder, 'musk.yaml'), catalog, cwd: folder });
    return problems.map(({ message, hint }) => `${message} (${hint})`);
  };
  assert.deepEqual(messages('outputs.bags'), []);
  assert.match(messages('outputs.labels').join(), /`bags` requires the items of a stage, found a file/);
  assert.match(messages('items').join(), /the items of `import` have none .*bags \(bag-items\)/);
});
