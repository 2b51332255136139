import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import { readCheckpoint } from '../../../domain/mil/models/checkpoint.js';
import { registerModel } from '../../../domain/mil/models/registry.js';
import { loadModel, predict } from '../../../domain/mil/models/predict.js';
import { listBags, loadBag } from '../../../domain/mil/bags/bags.js';
import type { TrainFoldWith } from '../../../domain/mil/train-fold/parameters.js';
import { makeCohort, makeJob, trainWith } from '../../domain/mil/cohort.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const module = fileURLToPath(new URL('../../support/lab-model-plugin.js', import.meta.url));

test('a model of a plugin is a value of `model`, has its options checked, trains, predicts and enters the key by its version', async (t) => {
  const folder = temporaryFolder(t);
  const trainFold = (await loadRegistry([module])).require('mil.train-fold');
  assert.ok(trainFold.with.model.enum?.includes('lab-power-mean'));
  assert.match(trainFold.with.power.description ?? '', /The power\. Only for lab-power-mean \(default 1\)/);
  const hidden = (model: string) => trainFold.hiddenInputs?.({ model }, {});
  assert.deepEqual(await hidden('lab-power-mean'), { 'model-version': 3 });
  assert.deepEqual(await hidden('abmil'), {}, 'the version of the activity stands for its own models');

  const cohort = makeCohort(folder);
  const { run } = await trainFold.load();
  const train = (name: string, changes: Partial<TrainFoldWith>) =>
    run(makeJob(join(folder, name), cohort.work, trainWith(cohort, changes)) as never);
  const settings = { model: 'lab-power-mean', power: 2, epochs: 3 };
  const result = await train('lab', settings);
  const path = result.files.checkpoint.from;
  const { config, training } = readCheckpoint(path);
  assert.deepEqual([config.options, training['model-version']], [{ power: 2 }, 3]);
  const loaded = await loadModel(path);
  const bag = loadBag(listBags(cohort.bags.path, cohort.work)[0], loaded);
  const { attention } = predict(loaded, bag);
  assert.ok(Math.abs(attention.reduce((sum, share) => sum + share, 0) - 1) < 1e-5);
  loaded.dispose();
  await assert.rejects(train('abmil', { power: 2 }), {
    message: /`power` has no effect on model abmil.*only with lab-power-mean/,
  });
});

test("a model with a used name, or with an option that contradicts another model's, is refused", async () => {
  const entry = {
    summary: '',
    attentionDim: 1,
    options: { alpha: { type: 'string', default: 'x', description: '' } },
    load: () => Promise.reject(new Error('not reached')),
  } as const;
  assert.throws(() => registerModel('abmil', { ...entry, options: {} }), {
    code: 'InvalidInput',
    message: /"abmil" is already registered/,
  });
  assert.throws(() => registerModel('lab-other', entry), {
    message: /`alpha` is of type string.*of type number/,
  });
  await loadRegistry([module]);
  await loadRegistry([module]);
});
