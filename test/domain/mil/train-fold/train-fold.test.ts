import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { finishedEpochs } from '../support.js';
import { readCsv } from '../../../../domain/files/csv.js';
import { openAdam, startingState } from '../../../../domain/mil/train-fold/adam.js';
import { openBackend, tf, type Rank } from '../../../../domain/mil/compute/backend.js';
import { placedBag } from '../../../../domain/mil/bags/bag.js';
import { listBags, loadBag } from '../../../../domain/mil/bags/bags.js';
import { readCheckpoint } from '../../../../domain/mil/models/checkpoint.js';
import { modelEntry } from '../../../../domain/mil/models/registry.js';
import { initialWeights } from '../../../../domain/mil/compute/parameters.js';
import { formatSplits, readSplits } from '../../../../domain/mil/split/splits.js';
import { trainStep } from '../../../support/train-step.js';
import { loadModel, predict } from '../../../../domain/mil/models/predict.js';
import { balancedWeights, run } from '../../../../domain/mil/train-fold/train-fold.js';
import type { TrainFoldWith } from '../../../../domain/mil/train-fold/parameters.js';
import { suitsJavaScript } from '../../../../domain/mil/train-fold/small-bags.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { exchangedSplits, makeCohort, makeJob, trainWith, type Cohort } from '../cohort.js';
import { oracleConfig, stepContext } from '../oracle.js';

describe('mil.train-fold', () => {
  let cohort: Cohort;
  const shared = mkdtempSync(join(tmpdir(), 'sam-mil-test-'));
  before(async () => {
    await openBackend('tensorflow');
    cohort = makeCohort(shared);
  });
  after(() => rmSync(shared, { recursive: true, force: true }));

  async function trained(folder: string, cohort: Cohort, changes: Partial<TrainFoldWith>) {
    const job = makeJob(folder, cohort.work, trainWith(cohort, changes));
    const result = await run(job);
    return { job, result, bytes: readFileSync(result.files.checkpoint.from) };
  }

  for (const model of ['abmil', 'abmil-gated', 'sam-mil', 'mean-linear', 'simlp']) {
    test(`${model} learns, writes a checkpoint and a history, and predicts from the checkpoint`, async (t) => {
      const folder = temporaryFolder(t);
      const { job, result } = await trained(folder, cohort, { model, epochs: 12, lr: 4e-3, select: 'last' });
      const metrics = result.values?.metrics as Record<string, number>;
      assert.equal(metrics['val-auc'], 1, 'positive bags are plain to see');
      assert.equal(result.files.checkpoint.to, 'checkpoints/cell.safetensors');
      const { columns, rows } = readCsv(result.files.history.from, { header: true });
      assert.equal(rows.length, 12);
      assert.ok(columns.includes('val_auc'));
      assert.ok(Number(rows[11].values.loss) < Number(rows[0].values.loss), 'the loss falls');
      assert.equal(finishedEpochs(job).length, 12);

      const loaded = await loadModel(result.files.checkpoint.from);
      const [negative, positive] = listBags(cohort.bags.path, cohort.work).slice(8, 10);
      const bag = loadBag(positive, loaded);
      const prediction = predict(loaded, bag);
      const other = predict(loaded, loadBag(negative, loaded));
      assert.ok(prediction.probabilities[1] > other.probabilities[1], 'a positive bag of the test set');
      assert.equal(prediction.attention.length, bag.rows);
      assert.ok(Math.abs(prediction.attention.reduce((sum, a) => sum + a, 0) - 1) < 1e-5);
      assert.equal(prediction.instanceProbabilities.length, bag.rows * 2);
      assert.deepEqual(predict(loaded, bag), prediction, 'the same each time');
      assert.throws(() => predict(loaded, { ...bag, dim: 3 }), { code: 'CountMismatch' });
      loaded.dispose();
    });
  }

  test('the same inputs give the same bytes, a different seed, repeat or fold gives different ones', async (t) => {
    const folder = temporaryFolder(t);
    const { bytes } = await trained(join(folder, 'a'), cohort, {});
    assert.deepEqual((await trained(join(folder, 'b'), cohort, {})).bytes, bytes);
    assert.notDeepEqual((await trained(join(folder, 'c'), cohort, { seed: 8 })).bytes, bytes);
    const reread = await trained(join(folder, 'd'), cohort, { bagMemory: 0 });
    assert.deepEqual(reread.bytes, bytes, 'bags read again in each epoch');
  });

  test('an abort saves the state and throws the reason, and the next attempt gives the same bytes', async (t) => {
    const folder = temporaryFolder(t);
    for (const [model, backend, changes] of [
      ['abmil', 'tensorflow', {}],
      ['sam-mil', 'tensorflow', { mode: 'release' }],
      ['sam-mil', 'js', { mode: 'release' }],
      ['simlp', 'js', { optimizer: 'adamw', beta2: 0.98, hiddenActivation: 'gelu' }],
      ['rrt-mil', 'tensorflow', { optimizer: 'adamw', embedDim: 128 }],
    ] as const) {
      const settings = trainWith(cohort, { model, backend, ...changes });
      const whole = await run(makeJob(join(folder, model, backend), cohort.work, settings));
      const controller = new AbortController();
      const reason = new Error('worker shuts down');
      const first = makeJob(join(folder, model, `${backend}-cut`), cohort.work, settings, controller.signal);
      first.progress = ({ done }) => done === 3 && controller.abort(reason);
      await assert.rejects(run(first), reason);
      const second = makeJob(join(folder, model, `${backend}-cut`), cohort.work, settings);
      const resumed = await run(second);
      assert.deepEqual(finishedEpochs(second), [4, 5], 'only the rest is done');
      for (const output of ['checkpoint', 'history']) {
        assert.deepEqual(readFileSync(resumed.files[output].from), readFileSync(whole.files[output].from));
      }
    }
  });

  test('without a validation set, or with one class in it, the last epoch is kept with a note', async (t) => {
    const folder = temporaryFolder(t);
    for (const [fold, why] of [
      [1, 'is empty'],
      [2, 'lacks a class'],
    ] as const) {
      const { job, result } = await trained(join(folder, String(fold)), cohort, { fold });
      assert.equal(result.values?.['best-epoch'], 5);
      assert.match(job.warnings.join(), new RegExp(`validation set ${why}`));
      assert.match((result.values?.metrics as { note: string }).note, /last one is kept/);
    }
  });

  test('patience ends training early', async (t) => {
    const folder = temporaryFolder(t);
    const settings = { epochs: 20, patience: 1, stopEpoch: 2, lr: 0.02 };
    const { result } = await trained(folder, cohort, settings);
    const { epochs, 'stopped-early': stopped } = result.values?.metrics as Record<string, number | boolean>;
    assert.equal(stopped, (epochs as number) < 20);
    assert.ok((epochs as number) >= 4, 'not before stop-epoch has passed');
  });

  test('a loss that overflows ends training with an error and keeps the last good state', async (t) => {
    const folder = temporaryFolder(t);
    const job = makeJob(folder, cohort.work, trainWith(cohort, { lr: 1e30, weightDecay: 0 }));
    await assert.rejects(run(job), (error: Error & { code: string }) => {
      assert.equal(error.code, 'InvalidInput');
      assert.match(error.message, /training diverged: the loss became .* in epoch 1, step \d+ \(bag "slide-/);
      // The first update already overflowed, before any state was saved.
      assert.match(error.message, /no state was saved before/);
      return true;
    });
    const saving = makeJob(join(folder, 'b'), cohort.work, trainWith(cohort, { lr: 1e30, saveEvery: 0 }));
    await assert.rejects(run(saving), /the last good weights are in .*b\/checkpoint\/training-state/);
    assert.ok(existsSync(join(saving.checkpoint, 'training-state.safetensors')));
  });

  test('an error names the epoch and the validation bag whose logits are not finite', async (t) => {
    const folder = temporaryFolder(t);
    // One step per epoch, so its loss is still that of the initial weights.
    const made = readSplits(cohort.splits.path);
    const fold = { ...made.repeats[0].folds[0], train: cohort.keys.slice(0, 1) };
    const path = join(folder, 'splits.json');
    writeFileSync(path, formatSplits({ ...made, repeats: [{ repeat: 0, seed: 1, folds: [fold] }] }));
    const splits = { ...cohort.splits, path };
    const job = makeJob(folder, cohort.work, trainWith(cohort, { splits, lr: 1e30, weightDecay: 0 }));
    await assert.rejects(run(job), {
      code: 'InvalidInput',
      message: /^epoch 1, validation: the model returned logits that are not finite for bag "slide-\d\d"/,
    });
  });

  test('options of other models, unknown bags and wrong folds are rejected before any work', async (t) => {
    const folder = temporaryFolder(t);
    const refused = async (changes: Partial<TrainFoldWith>, pattern: RegExp) => {
      const job = makeJob(folder, cohort.work, trainWith(cohort, changes));
      await assert.rejects(run(job), { code: 'InvalidInput', message: pattern });
    };
    await refused({ maskRatio: 0.5 }, /`mask-ratio` has no effect on model abmil.*only with sam-mil/);
    await refused({ model: 'resnet' }, /unknown model "resnet".*abmil, /);
    await refused({ fold: 9 }, /no repeat 0, fold 9/);
    const fewer = makeCohort(join(folder, 'fewer'), 10);
    await refused({ bags: fewer.bags }, /the splits name slides without a bag.*slide-1/);
  });

  test('MHIM-MIL starts from the checkpoint of its baseline and resumes with its teacher after an abort', async (t) => {
    const folder = temporaryFolder(t);
    const plain = await trained(join(folder, 'plain'), cohort, { scoring: 'relu' });
    const teacher = { path: plain.result.files.checkpoint.from, digest: '', name: 'plain' };
    const settings = { model: 'mhim-mil', teacher, momentum: 0.9, epochs: 4 };
    const whole = await trained(join(folder, 'whole'), cohort, settings);
    assert.notDeepEqual(
      whole.bytes,
      (await trained(join(folder, 'alone'), cohort, { ...settings, teacher: undefined })).bytes,
    );
    const controller = new AbortController();
    const cut = makeJob(join(folder, 'cut'), cohort.work, trainWith(cohort, settings), controller.signal);
    cut.progress = ({ done }) => done === 2 && controller.abort(new Error('stop'));
    await assert.rejects(run(cut), /stop/);
    assert.deepEqual((await trained(join(folder, 'cut'), cohort, settings)).bytes, whole.bytes);
    await assert.rejects(
      trained(join(folder, 'other'), cohort, { teacher }),
      /`teacher` has no effect on model abmil/,
    );
    // Its biases would be dropped silently.
    const other = await trained(join(folder, 'tanh'), cohort, { epochs: 1 });
    const tanh = { ...teacher, path: other.result.files.checkpoint.from };
    await assert.rejects(
      trained(join(folder, 'biased'), cohort, { ...settings, teacher: tanh }),
      /weights that the model does not have.*found att\.V\.b, att\.w\.b, of abmil {"scoring":"tanh"}/,
    );
    await assert.rejects(
      trained(join(folder, 'leak'), cohort, { ...settings, fold: 1 }),
      /teacher was trained on a different fold.*expected repeat 0, fold 1; found repeat 0, fold 0/,
    );
    const path = join(folder, 'else.json');
    writeFileSync(path, exchangedSplits(readFileSync(cohort.splits.path, 'utf8')));
    const elsewhere = { ...settings, splits: { ...cohort.splits, path } };
    await assert.rejects(trained(join(folder, 'split'), cohort, elsewhere), /trained on different splits/);
    await assert.rejects(
      trained(join(folder, 'scale'), cohort, { ...settings, standardize: true }),
      /differently scaled features; expected standardized features; found unscaled features/,
    );
    const unfit = { ...settings, baseline: 'transmil', embedDim: 16 };
    await assert.rejects(
      trained(join(folder, 'unfit'), cohort, unfit),
      /weight "cls_token" does not fit the model/,
    );
  });

  test('class weights are off by default, and balanced gives the rarer class more weight', async (t) => {
    const folder = temporaryFolder(t);
    const off = await trained(join(folder, 'off'), cohort, { classWeights: 'off' });
    assert.deepEqual((await trained(join(folder, 'plain'), cohort, {})).bytes, off.bytes);
    // Classes with equal numbers of bags need no balancing.
    const even = await trained(join(folder, 'even'), cohort, { classWeights: 'balanced' });
    const weights = ({ result }: typeof off) => readCheckpoint(result.files.checkpoint.from).weights;
    assert.deepEqual(weights(even), weights(off));
    const bag = (label: number) => ({ key: '', outcome: { endpoint: 'classification' as const, label } });
    assert.deepEqual(balancedWeights([bag(0), bag(0), bag(0), bag(1)], 2), [4 / 6, 2]);
    assert.deepEqual(balancedWeights([bag(1), bag(1)], 2), [0, 1]);
  });

  test('a class weight multiplies the loss of a step and its gradients', async () => {
    const model = (await modelEntry('mean').load())({ ...oracleConfig('mean'), dim: 4, embedDim: 3 });
    const start = startingState(initialWeights(model.parameters, 'weights'));
    const x = tf.randomNormal<Rank.R2>([5, 4], 0, 1, 'float32', 1);
    const none = { area: new Float32Array(5), isGroup: new Uint8Array(5), coords: new Int32Array(10) };
    const bag = placedBag({ x, rows: 5, ...none });
    const [once, twice] = [1, 2].map((share) => {
      const adam = openAdam(model.parameters, start, { weightDecay: 0 });
      const loss = trainStep(model, adam, bag, stepContext(1), 1e-3, share);
      const { first } = adam.state();
      adam.dispose();
      return { loss, moments: [...first['cls.w']] };
    });
    assert.equal(twice.loss, 2 * once.loss);
    twice.moments.forEach((value, i) => assert.ok(Math.abs(value - 2 * once.moments[i]) <= 1e-9));
    x.dispose();
  });

  test('training leaves no tensors behind', async (t) => {
    const folder = temporaryFolder(t);
    const before = tf.memory().numTensors;
    await trained(join(folder, 'a'), cohort, { model: 'sam-mil' });
    assert.equal(tf.memory().numTensors, before);
  });
});

test('with backend auto, small bags are trained in JavaScript and large ones are not', (t) => {
  const cohort = makeCohort(temporaryFolder(t), 4);
  const entries = listBags(cohort.bags.path, cohort.work);
  assert.equal(suitsJavaScript('abmil', entries, 16), true);
  assert.equal(suitsJavaScript('abmil', entries, 512), false);
  assert.equal(suitsJavaScript('transmil', entries, 16), false);
});
