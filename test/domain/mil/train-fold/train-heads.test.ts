import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { readCsv } from '../../../../domain/files/csv.js';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { listBags, loadBag } from '../../../../domain/mil/bags/bags.js';
import { readCheckpoint } from '../../../../domain/mil/models/checkpoint.js';
import { loadModel, predict } from '../../../../domain/mil/models/predict.js';
import type { TrainFoldWith } from '../../../../domain/mil/train-fold/parameters.js';
import { run } from '../../../../domain/mil/train-fold/train-fold.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { makeJob, trainWith, type Cohort } from '../cohort.js';
import { inputFile } from '../support.js';
import { makeLearnableCohort, outcomeOfSlide } from '../learnable-cohort.js';

const HEADS = [
  ['survival', 'hazard', 'concordance'],
  ['survival', 'cox', 'concordance'],
  ['regression', 'mse', 'rmse'],
  ['regression', 'huber', 'rmse'],
  ['regression', 'l1', 'rmse'],
] as const;

interface StoredRisks {
  times: number[];
  events: number[];
  risks: number[];
}

async function trained(folder: string, cohort: Cohort, changes: Partial<TrainFoldWith>) {
  const job = makeJob(folder, cohort.work, trainWith(cohort, { epochs: 12, lr: 4e-3, ...changes }));
  const result = await run(job);
  return { job, result, checkpoint: readCheckpoint(result.files.checkpoint.from) };
}

describe('mil.train-fold of survival and regression', () => {
  before(() => openBackend('tensorflow'));

  for (const [endpoint, loss, score] of HEADS) {
    test(`${loss} learns, keeps the epoch with the best ${score}, and predicts from the checkpoint`, async (t) => {
      const folder = temporaryFolder(t);
      const cohort = makeLearnableCohort(folder, endpoint);
      await trained(join(folder, 'first'), cohort, { loss, epochs: 1 });
      const tensors = tf.memory().numTensors;
      const { job, result, checkpoint } = await trained(folder, cohort, { loss, bagsPerStep: 4 });
      assert.equal(tf.memory().numTensors, tensors, 'no tensors left');
      const metrics = result.values?.metrics as Record<string, number>;
      const { rows } = readCsv(result.files.history.from, { header: true });
      const scores = rows.map(({ values }) => Number(values[`val_${score}`]));
      const best = score === 'rmse' ? Math.min(...scores) : Math.max(...scores);
      assert.equal(metrics[`val-${score}`], best);
      assert.equal(result.values?.['best-epoch'], scores.indexOf(best) + 1);
      assert.ok(Number(rows[11].values.loss) < Number(rows[0].values.loss), 'the loss falls');
      assert.match(job.reports.at(-1)?.note ?? '', score === 'rmse' ? /val RMSE/ : /val concordance/);
      assert.equal(checkpoint.target.endpoint, endpoint);
      assert.equal(checkpoint.training['validation-scores'], undefined);

      const loaded = await loadModel(result.files.checkpoint.from);
      const [negative, positive] = listBags(cohort.bags.path, cohort.work).slice(8, 10);
      const read = (entry: typeof negative) => predict(loaded, loadBag(entry, loaded)).reading;
      const of = (reading: ReturnType<typeof read>) =>
        reading.endpoint === 'survival'
          ? reading.risk
          : reading.endpoint === 'regression'
            ? reading.value
            : NaN;
      assert.ok(of(read(positive)) > of(read(negative)), 'a positive bag of the test set');
      loaded.dispose();
    });

    test(`${loss}: a training that is interrupted within a step of several bags gives the same bytes`, async (t) => {
      const folder = temporaryFolder(t);
      const cohort = makeLearnableCohort(folder, endpoint);
      for (const model of loss === 'cox' ? ['abmil', 'mhim-mil', 'dtfd-mil'] : ['sam-mil']) {
        const settings = trainWith(cohort, { model, loss, bagsPerStep: 5, saveEvery: 0 });
        const whole = await run(makeJob(join(folder, model, 'whole'), cohort.work, settings));
        let result: typeof whole | undefined;
        let stops = 0;
        while (result === undefined) {
          const controller = new AbortController();
          const job = makeJob(join(folder, model, 'cut'), cohort.work, settings, controller.signal);
          // Stops after each epoch; the pause between bags notices it within the next step.
          const from = stops;
          job.progress = ({ done }) => done > from && controller.abort(new Error('stop'));
          result = await run(job).catch((error: unknown) => {
            assert.equal((error as Error).message, 'stop');
            stops++;
            return undefined;
          });
        }
        assert.ok(stops >= 3, `${stops} stops`);
        for (const output of ['checkpoint', 'history']) {
          assert.deepEqual(readFileSync(result.files[output].from), readFileSync(whole.files[output].from));
        }
      }
    });
  }

  test('a checkpoint of survival states follow-up and mean risk of each training patient, without names', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeLearnableCohort(folder, 'survival', (splits) => ({
      ...splits,
      // Two neighbors are one patient, with the follow-up of the first.
      groups: Object.fromEntries(Object.keys(splits.labels).map((key, i) => [key, `P${i >> 1}`])),
      followUp: Object.fromEntries(
        Object.keys(splits.labels).map((key, i) => {
          const { time, event } = outcomeOfSlide(i - (i % 2));
          return [key, { time, event }];
        }),
      ),
    }));
    const { result, checkpoint } = await trained(folder, cohort, { loss: 'hazard', timeBins: 3 });
    const stored = checkpoint.training.survival as unknown as StoredRisks;
    assert.equal(stored.times.length, 6, '12 training slides of 6 patients');
    assert.doesNotMatch(JSON.stringify(stored), /P\d|slide/);
    const loaded = await loadModel(result.files.checkpoint.from);
    const [first, second] = listBags(cohort.bags.path, cohort.work);
    const risk = (entry: typeof first) => {
      const { reading } = predict(loaded, loadBag(entry, loaded));
      return reading.endpoint === 'survival' ? reading.risk : NaN;
    };
    const at = stored.times.indexOf(outcomeOfSlide(0).time);
    assert.ok(Math.abs(stored.risks[at] - (risk(first) + risk(second)) / 2) < 1e-6);
    loaded.dispose();
    // Each patient counts once: quantiles of six times with an event or fewer.
    const events = stored.times.filter((_, i) => stored.events[i] === 1).sort((a, b) => a - b);
    const { target } = checkpoint;
    assert.ok(target.endpoint === 'survival' && target.head === 'hazard');
    const quantile = (q: number) => {
      const place = q * (events.length - 1);
      const low = Math.floor(place);
      return events[low] + (place - low) * ((events[low + 1] ?? events[low]) - events[low]);
    };
    target.edges.forEach((edge, k) => assert.ok(Math.abs(edge - quantile((k + 1) / 3)) < 1e-9));
  });

  test('steps without an event are skipped and said once; the others are trained', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeLearnableCohort(folder, 'survival', (splits) => ({
      ...splits,
      followUp: Object.fromEntries(
        Object.keys(splits.labels).map((key, i) => [key, { time: 5 + i, event: i === 0 ? 1 : 0 }]),
      ),
    }));
    const { job, checkpoint, result } = await trained(folder, cohort, {
      loss: 'cox',
      bagsPerStep: 3,
      epochs: 3,
    });
    const said = job.warnings.filter((warning) => warning.includes('no Cox likelihood'));
    assert.equal(said.length, 1);
    const { rows } = readCsv(result.files.history.from, { header: true });
    assert.ok(
      rows.every(({ values }) => Number(values.loss) > 0),
      'the mean of the trained bags',
    );
    assert.ok(Object.values(checkpoint.weights).every((values) => values.every(Number.isFinite)));
  });

  test('a teacher of the same target is accepted, one of another target is refused', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeLearnableCohort(folder, 'survival');
    const plain = { model: 'abmil', scoring: 'relu', loss: 'cox', epochs: 1 } as const;
    const { result } = await trained(join(folder, 'teacher'), cohort, plain);
    const teacher = inputFile(result.files.checkpoint.from);
    const student = { model: 'mhim-mil', epochs: 1, teacher };
    const { checkpoint } = await trained(join(folder, 'student'), cohort, { ...student, loss: 'cox' });
    assert.equal(checkpoint.config.outputs, 1);
    await assert.rejects(
      trained(join(folder, 'other'), cohort, { ...student, loss: 'hazard', timeBins: 1 }),
      /different target; expected survival of os_months, head hazard .*found survival of os_months, head cox/,
    );
  });

  test('a window of one bag gives the same bytes as no window', async (t) => {
    const folder = temporaryFolder(t);
    const cohort = makeLearnableCohort(folder, 'regression');
    const [one, none] = [{ bagsPerStep: 1 }, {}];
    const bytes = async (name: string, changes: Partial<TrainFoldWith>) =>
      readFileSync((await trained(join(folder, name), cohort, changes)).result.files.checkpoint.from);
    assert.deepEqual(await bytes('one', one), await bytes('none', none));
  });

  test('without a score, the last epoch is kept with a note', async (t) => {
    const folder = temporaryFolder(t);
    const censored = makeLearnableCohort(folder, 'survival', (splits) => ({
      ...splits,
      followUp: Object.fromEntries(
        Object.entries(splits.followUp ?? {}).map(([key, { time, event }]) => {
          const known = splits.repeats[0].folds[0].val.includes(key);
          return [key, { time, event: known ? 0 : event }];
        }),
      ),
    }));
    const { job, result } = await trained(folder, censored, { epochs: 2 });
    assert.equal(result.values?.['best-epoch'], 2);
    assert.match(
      job.warnings.join(),
      /no two slides whose follow-up can be compared, so no epoch can be chosen by concordance/,
    );
  });
});
