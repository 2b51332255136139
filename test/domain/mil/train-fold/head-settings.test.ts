import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { definition } from '../../../../activities/mil/train-fold.js';
import { readSplits } from '../../../../domain/mil/split/splits.js';
import { checkTrainFold } from '../../../../domain/mil/train-fold/check-train-fold.js';
import { headSettings } from '../../../../domain/mil/train-fold/head-settings.js';
import { run } from '../../../../domain/mil/train-fold/train-fold.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { makeCohort, makeJob, trainWith } from '../cohort.js';
import { makeLearnableCohort } from '../learnable-cohort.js';
import { hasCode } from '../support.js';

const refuses = (f: () => unknown, message: RegExp) => assert.throws(f, hasCode('InvalidInput', message));

describe('the loss and its parameters', () => {
  test('have defaults by endpoint', () => {
    assert.deepEqual(headSettings('classification', {}).loss, { name: 'cross-entropy' });
    assert.deepEqual(headSettings('survival', {}), {
      loss: { name: 'hazard', alpha: 0 },
      timeBins: 4,
      bagsPerStep: 1,
    });
    assert.deepEqual(headSettings('regression', {}).loss, { name: 'mse' });
    const cox = headSettings('survival', { loss: 'cox' });
    assert.deepEqual([cox.loss, cox.bagsPerStep], [{ name: 'cox', ties: 'efron' }, 16]);
    assert.deepEqual(headSettings('regression', { loss: 'huber' }).loss, { name: 'huber', delta: 1 });
  });

  test('are refused where they have no effect', () => {
    refuses(() => headSettings('classification', { loss: 'mse' }), /mse cannot train classification/);
    refuses(() => headSettings('survival', { loss: 'l1' }), /expected `loss`: hazard, cox; found l1/);
    refuses(
      () => headSettings('classification', { timeBins: 4 }),
      /`time-bins` has no effect with loss cross-entropy/,
    );
    refuses(
      () => headSettings('survival', { loss: 'cox', censoredDiscount: 0 }),
      /`censored-discount` only with loss hazard/,
    );
    refuses(() => headSettings('survival', { coxTies: 'efron' }), /`cox-ties` only with loss cox/);
    refuses(() => headSettings('regression', { huberDelta: 2 }), /`huber-delta` only with loss huber/);
    refuses(
      () => headSettings('regression', { classWeights: 'balanced' }),
      /`class-weights` has no effect on regression/,
    );
    refuses(() => headSettings('survival', { bagLoss: 'bce' }), /`bag-loss: bce` is a loss of classes/);
    refuses(() => headSettings('survival', { subtyping: true }), /`subtyping` has no effect on survival/);
    refuses(() => headSettings('survival', { loss: 'cox', bagsPerStep: 1 }), /`bags-per-step` of at least 2/);
  });

  test('are checked by plan as far as the splits are known', async (t) => {
    const cohort = makeLearnableCohort(temporaryFolder(t), 'survival');
    const check = (given: Record<string, string | number>, unknown: string[] = []) =>
      checkTrainFold({ with: { splits: cohort.splits.path, ...given }, unknown: new Set(unknown) });
    assert.deepEqual(check({ loss: 'cox' }), { warnings: [] });
    refuses(() => check({ loss: 'mse' }), /mse cannot train survival/);
    assert.deepEqual(check({ loss: 'mse' }, ['splits']), {}, 'an earlier stage makes the splits');
    refuses(() => check({ loss: 'mse', 'time-bins': 3 }, ['splits']), /`time-bins` only with loss hazard/);
    assert.match(check({ 'time-bins': 90 }).warnings?.join() ?? '', /some bins stay empty/);
    const step = { with: { model: 'abmil', loss: 'mse', 'cox-ties': 'efron' }, unknown: new Set<string>() };
    await assert.rejects(
      definition.check?.({ ...step, items: {}, producers: {} }) ?? Promise.resolve(),
      /`cox-ties` has no effect with loss mse/,
    );
  });

  test('all training patients censored is refused before training, with the fold', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeLearnableCohort(folder, 'survival', (splits) => ({
      ...splits,
      followUp: Object.fromEntries(Object.keys(splits.labels).map((key) => [key, { time: 4, event: 0 }])),
    }));
    const message = /no training patient of fold 0 has an event.*found 12 training patients, all censored/;
    refuses(
      () => checkTrainFold({ with: { splits: cohort.splits.path, fold: 0 }, unknown: new Set() }),
      message,
    );
    for (const loss of ['hazard', 'cox'] as const) {
      const job = makeJob(folder, cohort.work, trainWith(cohort, { loss }));
      await assert.rejects(run(job), message);
      assert.equal(job.reports.length, 0);
    }
  });

  test('a classification knows no survival: parameters of another endpoint stop the step before training', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeCohort(folder);
    assert.equal(readSplits(cohort.splits.path).endpoint, 'classification');
    const job = makeJob(folder, cohort.work, trainWith(cohort, { loss: 'cox' }));
    await assert.rejects(run(job), /the loss cox cannot train classification/);
    assert.equal(job.reports.length, 0);
  });
});
