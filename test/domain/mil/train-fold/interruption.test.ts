import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { writeFeatures } from '../../../../domain/pathology/layouts/bag-files.js';
import { readSafetensors } from '../../../../domain/files/safetensors.js';
import { toFloat32 } from '../../../../domain/files/tensor.js';
import { openBackend, tf, type Backend } from '../../../../domain/mil/compute/backend.js';
import { BagCache } from '../../../../domain/mil/bags/bag-cache.js';
import { listBags } from '../../../../domain/mil/bags/bags.js';
import type { Model } from '../../../../domain/mil/models/model.js';
import { modelEntry, resolveOptions } from '../../../../domain/mil/models/registry.js';
import { readSplits } from '../../../../domain/mil/split/splits.js';
import { train } from '../../../../domain/mil/train-fold/train.js';
import type { TrainingPlan } from '../../../../domain/mil/train-fold/training-plan.js';
import { run } from '../../../../domain/mil/train-fold/train-fold.js';
import { statePath } from '../../../../domain/mil/train-fold/training-state.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { makeCohort, makeJob, trainWith, type Cohort } from '../cohort.js';

async function planFor(cohort: Cohort, backend: Backend, checkpoint: string): Promise<TrainingPlan> {
  const { labels, repeats } = readSplits(cohort.splits.path);
  const fold = repeats[0].folds[0];
  const labeled = (keys: readonly string[]) =>
    keys.map((key) => ({ key, outcome: { endpoint: 'classification' as const, label: labels[key] } }));
  const options = resolveOptions('mhim-mil', { momentum: 0.9 });
  const sizes = {
    dim: 24,
    outputs: 2,
    endpoint: 'classification' as const,
    embedDim: 16,
    attentionDim: 8,
    dropout: 0.25,
  };
  mkdirSync(checkpoint, { recursive: true });
  return {
    model: (await modelEntry('mhim-mil').load())({ model: 'mhim-mil', ...sizes, options }),
    bags: new BagCache(listBags(cohort.bags.path, cohort.work), { groupFeatures: true }),
    train: labeled(fold.train),
    validation: labeled(fold.val),
    target: { endpoint: 'classification', classes: ['normal', 'tumor'] },
    loss: { name: 'cross-entropy' },
    bagsPerStep: 1,
    epochs: 4,
    lr: 2e-3,
    adam: { weightDecay: 1e-5 },
    schedule: 'step',
    select: 'best',
    stopping: { patience: 9, stopEpoch: 9 },
    seed: [7, 0, 0],
    backend,
    checkpoint,
    saveEverySeconds: 1000,
  };
}

/**
 * Trains until `steps` more steps have started, then stops. Returns undefined if training completed before.
 */
async function stoppedAfter(plan: TrainingPlan, steps: number) {
  const controller = new AbortController();
  let begun = 0;
  const model: Model = {
    ...plan.model,
    loss(...step) {
      if (++begun === steps) controller.abort(new Error('stop'));
      return plan.model.loss(...step);
    },
  };
  const hooks = { signal: controller.signal, onEpoch: () => undefined, warn: assert.fail };
  try {
    return await train({ ...plan, model }, hooks);
  } catch (error) {
    assert.equal((error as Error).message, 'stop');
    return undefined;
  }
}

describe('interruptions', () => {
  let backend: Backend;
  before(async () => (backend = await openBackend('tensorflow')));

  test('training that is stopped twice within and at the end of every epoch gives the same bits', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeCohort(folder);
    const whole = await stoppedAfter(await planFor(cohort, backend, join(folder, 'whole')), Infinity);
    // 12 bags per epoch, so every third stop is at the end of an epoch.
    const plan = await planFor(cohort, backend, join(folder, 'cut'));
    let stops = 0;
    let ended = await stoppedAfter(plan, 4);
    while (ended === undefined) {
      stops++;
      ended = await stoppedAfter(plan, 4);
    }
    assert.equal(stops, 11);
    assert.deepEqual({ ...ended, seconds: 0 }, { ...whole, seconds: 0 });
  });

  test('a NaN loss fails with an error and keeps the previous state, and the next attempt fails the same way', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeCohort(folder);
    const [bad] = listBags(cohort.bags.path, cohort.work);
    const features = new Float32Array(3 * 24).fill(3e38);
    writeFeatures(join(cohort.work, 'bags', 'bad.h5'), { features, dim: 24, coords: new Int32Array(6) });
    const plan = await planFor(cohort, backend, join(folder, 'nan'));
    const entries = listBags(cohort.bags.path, cohort.work).map((entry) =>
      entry.key === bad.key
        ? { key: bad.key, features: join(cohort.work, 'bags', 'bad.h5'), digest: undefined as never }
        : entry,
    );
    const poisoned = { ...plan, bags: new BagCache(entries, { groupFeatures: true }) };
    const failure = {
      code: 'InvalidInput',
      message: /the loss became NaN in epoch 1, step \d+ \(bag "slide-00"\)/,
    };
    const signal = new AbortController().signal;
    const attempt = () => train(poisoned, { signal, onEpoch: () => undefined, warn: assert.fail });
    await assert.rejects(attempt(), failure);
    const path = statePath(poisoned.checkpoint);
    assert.ok(existsSync(path));
    const kept = readFileSync(path);
    const { tensors, metadata } = readSafetensors(path);
    assert.ok(Object.values(tensors).every((tensor) => toFloat32(tensor).every(Number.isFinite)));
    const { epoch, step } = JSON.parse(metadata.state) as { epoch: number; step: number };
    assert.equal(epoch, 0);
    await assert.rejects(attempt(), new RegExp(`step ${step + 1} `));
    assert.deepEqual(readFileSync(path), kept);
  });

  test('500 bags of mixed size, most of them read for one step, add no tensors after the first 50', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeCohort(folder);
    const held: number[] = [];
    const settings = trainWith(cohort, { model: 'sam-mil', epochs: 42, bagMemory: 2 ** -16, select: 'last' });
    const job = makeJob(folder, cohort.work, settings);
    // The first report of an epoch that has ended; those between the steps of the next one repeat its number.
    job.progress = ({ done }) => {
      if (done > held.length) held.push(tf.memory().numTensors);
    };
    await run(job);
    // 12 training bags per epoch give 504 steps. The first four epochs are the first 48 steps.
    assert.equal(held.length, 42);
    const early = Math.max(...held.slice(0, 4));
    assert.ok(Math.max(...held.slice(4)) <= early, `tensors by epoch: ${held.join(', ')}`);
  });

  test('training on a single class works, with a warning that names the missing class', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeCohort(folder);
    const splits = readSplits(cohort.splits.path);
    const one = { ...splits, labels: Object.fromEntries(cohort.keys.map((key) => [key, 0])) };
    writeFileSync(cohort.splits.path, JSON.stringify(one));
    const job = makeJob(folder, cohort.work, trainWith(cohort, { epochs: 1 }));
    const result = await run(job);
    assert.equal(result.values?.['best-epoch'], 1);
    assert.match(job.warnings.join(), /the training set has no bags of class tumor/);
    assert.match(job.warnings.join(), /the validation set lacks a class/);
  });
});
