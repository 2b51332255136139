import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readCsv } from '../../../../domain/files/csv.js';
import { openH5 } from '../../../../domain/files/hdf5/h5.js';
import type { InputFile } from '../../../../domain/job.js';
import { jsonLines } from '../../../../domain/json.js';
import { readEnsembleFile } from '../../../../domain/mil/cohort/ensemble-file.js';
import { pooledThreshold } from '../../../../domain/mil/combine/locked-threshold.js';
import { readCheckpoint } from '../../../../domain/mil/models/checkpoint.js';
import { checkPredict } from '../../../../domain/mil/predict/check-predict.js';
import type { PredictWith } from '../../../../domain/mil/predict/parameters.js';
import { run as predict } from '../../../../domain/mil/predict/predict.js';
import { readSplits, formatSplits } from '../../../../domain/mil/split/splits.js';
import { run as train } from '../../../../domain/mil/train-fold/train-fold.js';
import type { TrainFoldWith } from '../../../../domain/mil/train-fold/parameters.js';
import { writeFeatures } from '../../../../domain/pathology/layouts/bag-files.js';
import { makeCohort, makeJob as makeTrainingJob, trainWith, type Cohort } from '../cohort.js';
import { hasCode, inputFile, makeJob, temporaryFolder } from '../support.js';

describe('mil.predict on another cohort', () => {
  const cleanups: (() => void)[] = [];
  after(() => cleanups.forEach((cleanup) => cleanup()));
  let folder: string;
  let cohort: Cohort;
  let folds: string[];

  before(async () => {
    folder = temporaryFolder({ after: (cleanup) => void cleanups.push(cleanup) });
    cohort = makeCohort(folder);
    const splits = readSplits(cohort.splits.path);
    const [first] = splits.repeats[0].folds;
    // Five validation slides of each class, in pairs of one patient.
    const val = cohort.keys.slice(10);
    const [train0, test0] = [cohort.keys.slice(0, 8), cohort.keys.slice(8, 10)];
    splits.repeats[0].folds = [
      { ...first, train: train0, val, test: test0 },
      { fold: 1, train: val, val: cohort.keys.slice(0, 10), test: [] },
    ];
    splits.groups = Object.fromEntries(
      cohort.keys.map((key, i) => [key, `P${i < 10 ? 0 : 1}${(i % 10) >> 2}${i % 2}`]),
    );
    // A model trained on all slides has no test slides.
    splits.part = true;
    writeFileSync(cohort.splits.path, formatSplits(splits));
    folds = [await trained('0', { fold: 0 }), await trained('1', { fold: 1 })];
  });

  async function trained(name: string, changes: Partial<TrainFoldWith>): Promise<string> {
    const settings = trainWith(cohort, { epochs: 12, select: 'last', ...changes });
    const result = await train(makeTrainingJob(join(folder, name), cohort.work, settings));
    return result.files.checkpoint.from;
  }

  const checkpoints = (t: { after(done: () => void): void }, paths: Record<string, string>): InputFile => {
    const list = join(temporaryFolder(t), 'train.jsonl');
    const items = Object.entries(paths).map(([key, path]) => ({
      ...{ key, fields: {}, status: 'done' },
      outputs: { checkpoint: { path, digest: inputFile(path).digest, bytes: 1 } },
    }));
    writeFileSync(list, jsonLines(items));
    return inputFile(list);
  };
  const both = (t: { after(done: () => void): void }) =>
    checkpoints(t, { 'abmil-0-0': folds[0], 'abmil-0-1': folds[1] });
  const predictWith = (changes: Partial<PredictWith>): PredictWith => ({
    bags: cohort.bags,
    combine: 'probabilities',
    level: 'slide',
    patientScore: 'mean',
    mismatch: 'error',
    attention: false,
    topPatches: 3,
    backend: 'tensorflow',
    ...changes,
  });
  const jobOf = (t: { after(done: () => void): void }, changes: Partial<PredictWith>) => ({
    ...makeJob(t, predictWith(changes)),
    work: cohort.work,
  });

  test('the threshold is locked from the validation scores in the checkpoints, and no label is needed', async (t) => {
    const { files, values } = await predict(jobOf(t, { checkpoints: both(t) }));
    const { checkpoints: members, threshold } = readEnsembleFile(files.ensemble.from);
    const stored = members.map(({ validation }) => validation!);
    assert.deepEqual(
      stored.map(({ labels }) => labels.length),
      [10, 10],
    );
    const expected = pooledThreshold(
      stored.map(({ labels, probabilities }) => ({ labels, scores: probabilities.map((row) => row[1]) })),
    );
    assert.deepEqual(threshold, {
      value: expected.value,
      from: 'Youden on 20 validation slides of 2 trainings',
    });
    assert.equal(values?.threshold, expected.value);
    const { columns, rows } = readCsv(files.predictions.from);
    assert.deepEqual(columns, [
      ...['slide_id', 'prob_normal', 'prob_tumor', 'spread_normal', 'spread_tumor', 'called'],
    ]);
    assert.equal(rows.length, 20);
    for (const { values: row } of rows) {
      assert.equal(row.called, Number(row.prob_tumor) >= (expected.value ?? NaN) ? 'tumor' : 'normal');
    }
  });

  test('the stored validation scores are those that the checkpoint gives, and name neither slide nor patient', async (t) => {
    const text = JSON.stringify(readCheckpoint(folds[0]).training['validation-scores']);
    assert.doesNotMatch(text, /slide|P\d/);
    const { labels, probabilities, patients } = JSON.parse(text) as {
      labels: number[];
      probabilities: number[][];
      patients: number[];
    };
    const { files } = await predict(jobOf(t, { checkpoint: inputFile(folds[0]) }));
    const rows = readCsv(files.predictions.from).rows.slice(10);
    assert.deepEqual(
      rows.map(({ values: row }) => [Number(row.prob_normal), Number(row.prob_tumor)]),
      probabilities,
    );
    assert.deepEqual(labels, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    assert.deepEqual(patients, [0, 1, 0, 1, 2, 3, 2, 3, 4, 5]);
  });

  test('gives the same bytes again, also after an attempt that was interrupted', async (t) => {
    const parameters = { checkpoints: both(t), attention: true };
    const bytes = async (job: ReturnType<typeof jobOf>) => {
      const { files, alongside = [] } = await predict(job);
      return [...Object.values(files), ...alongside].map(({ from }) => readFileSync(from, 'hex'));
    };
    const whole = await bytes(jobOf(t, parameters));
    const stop = new AbortController();
    const job = jobOf(t, parameters);
    const cut = {
      ...job,
      signal: stop.signal,
      progress: ({ done }: { done: number }) => done === 7 && stop.abort(new Error('killed')),
    };
    await assert.rejects(predict(cut), /killed/);
    assert.deepEqual(await bytes({ ...jobOf(t, parameters), checkpoint: job.checkpoint }), whole);
  });

  test('attention is the mean over the checkpoints, of patches only', async (t) => {
    const { files, alongside = [] } = await predict(jobOf(t, { checkpoints: both(t), attention: true }));
    assert.equal(alongside.length, 20);
    const h5 = openH5(alongside[1].from);
    const attention = h5.readFloat32('attention');
    h5.close();
    const sum = attention.reduce((total, value) => total + value, 0);
    assert.ok(sum > 0.5 && sum < 1, `${sum}: the group rows have the rest`);
    const top = readCsv(files['top-patches'].from).rows.filter(
      ({ values: row }) => row.slide_id === 'slide-01',
    );
    assert.deepEqual(
      top.map(({ values: row }) => Number(row.attention)),
      [...attention].sort((a, b) => b - a).slice(0, 3),
    );
    const place = attention.indexOf(Number(top[0].values.attention));
    assert.equal(Number(top[0].values.x), 256 * place);
  });

  test('patients get one score each; patients with two labels are refused by name', async (t) => {
    const labels = join(temporaryFolder(t), 'labels.csv');
    const write = (change = (row: string) => row) => {
      const rows = cohort.keys.map((key, i) => `${key},${i % 2 ? 'Tumor' : 'normal'},Q${i >> 2}${i % 2}`);
      writeFileSync(labels, ['slide_id,label,patient_id', ...rows.map(change)].join('\n'));
      return inputFile(labels);
    };
    const given = { checkpoints: both(t), level: 'patient' } as const;
    const { files, values } = await predict(
      jobOf(t, { ...given, labels: write(), patientScore: 'noisy-or' }),
    );
    assert.equal(values?.patients, 10);
    assert.match(
      JSON.stringify(values?.['threshold-from']),
      /validation patients|only \d validation patients/,
    );
    const slides = readCsv(files.predictions.from).rows.map(({ values: row }) => row);
    const [first] = readCsv(files['patient-predictions'].from).rows;
    assert.deepEqual(
      [first.values.patient_id, first.values.slides, first.values.label],
      ['Q00', '2', 'normal'],
    );
    const expected = 1 - (1 - Number(slides[0].prob_tumor)) * (1 - Number(slides[2].prob_tumor));
    assert.ok(Math.abs(Number(first.values.prob_tumor) - expected) < 1e-12);
    const refused = (labelsFile: InputFile | undefined, message: RegExp) =>
      assert.rejects(
        predict(jobOf(t, { ...given, ...(labelsFile && { labels: labelsFile }) })),
        hasCode('InvalidInput', message),
      );
    await refused(
      write((row) => row.replace('slide-02,normal', 'slide-02,tumor')),
      /different labels.*Q00 \(normal, tumor\)/,
    );
    await refused(
      write((row) => row.replace(/Q00/, '')),
      /no patient for 2 slides: slide-00, slide-02/,
    );
    await refused(undefined, /needs the patient of each slide/);
    await refused(
      write((row) => row.replace('normal', 'benign')),
      /does not have these classes.*benign/,
    );
  });

  test('bags that were made differently are refused with both values, or a warning is given', async (t) => {
    const own = temporaryFolder(t);
    const bag = (key: string, attributes: Record<string, string | number>) => {
      const path = join(own, `${key}.h5`);
      const coords = Int32Array.of(0, 0, 256, 0, -1, -1);
      writeFeatures(path, { features: new Float32Array(72), dim: 24, coords }, attributes);
      return {
        key,
        fields: {},
        status: 'done',
        outputs: { bag: { path, digest: inputFile(path).digest, bytes: 1 } },
      };
    };
    const made = { encoder: 'uni', encoder_weights: 'sha256:a', patch_size: 256, patch_mpp: 0.5 };
    const list = (name: string, ...items: object[]): InputFile => {
      writeFileSync(join(own, name), jsonLines(items));
      return inputFile(join(own, name));
    };
    const training = list('training.jsonl', ...cohort.keys.map((key) => bag(key, made)));
    const checkpoint = inputFile(await trained('facts', { bags: training, epochs: 1 }));
    const at = (items: InputFile, mismatch: 'error' | 'warn') => {
      const job = jobOf(t, { checkpoint, bags: items, mismatch });
      return { job, done: predict(job) };
    };
    const same = list('same.jsonl', bag('near', { ...made, patch_size: 260, patch_mpp: 0.49 }));
    await at(same, 'error').done;
    const cases: [string, Record<string, string | number>, RegExp][] = [
      [
        'weights',
        { ...made, encoder_weights: 'sha256:b' },
        /encoder weights sha256:a.*encoder weights sha256:b \(weights\)/,
      ],
      ['half', { ...made, encoder_precision: 'fp16' }, /precision fp32.*precision fp16/],
      [
        'coarse',
        { ...made, patch_mpp: 1 },
        /mpp 0\.5; patch side in µm 128; found mpp 1 \(coarse\); patch side in µm 256/,
      ],
      ['large', { ...made, patch_size: 512 }, /patch side in µm 128; found patch side in µm 256/],
    ];
    for (const [key, attributes, message] of cases) {
      const items = list(`${key}.jsonl`, bag(key, attributes));
      await assert.rejects(at(items, 'error').done, hasCode('InvalidInput', message), key);
      const { job, done } = at(items, 'warn');
      await done;
      assert.ok(
        job.logged.some((line) => line.startsWith('warn') && line.includes(key)),
        job.logged.join('\n'),
      );
    }
    const silent = at(list('silent.jsonl', bag('silent', {})), 'error');
    await silent.done;
    assert.match(silent.job.logged.join('\n'), /encoder weights of 1 bags is not known/);
  });

  test('checkpoints that are not the folds of one model are refused by name, also at plan', async (t) => {
    const transmil = await trained('other', { model: 'abmil-gated', epochs: 1 });
    const again = await trained('again', { fold: 0, epochs: 1 });
    const cases: [string, RegExp][] = [
      [transmil, /differ in model.*model abmil, as .*model abmil-gated in/],
      [again, /two checkpoints of an ensemble are of repeat 0, fold 0/],
    ];
    for (const [path, message] of cases) {
      const mixed = checkpoints(t, { 'a-0-0': folds[0], 'b-0-0': path });
      await assert.rejects(predict(jobOf(t, { checkpoints: mixed })), hasCode('InvalidInput', message));
      const items = { checkpoints: [folds[0], path].map((file) => ({ key: file, path: file })) };
      const step = {
        with: { level: 'slide', 'patient-score': 'mean' },
        unknown: new Set(['bags', 'checkpoints']),
        items,
      };
      assert.throws(() => checkPredict(step), hasCode('InvalidInput', message));
    }
    await assert.rejects(
      predict(jobOf(t, {})),
      hasCode('InvalidInput', /either `checkpoint` or `checkpoints`.*neither/),
    );
  });

  test('a threshold that the trainings do not have is refused, and 0.5 is said to be fixed', async (t) => {
    const splits = readSplits(cohort.splits.path);
    const [first] = splits.repeats[0].folds;
    splits.repeats[0].folds = [{ ...first, train: cohort.keys, val: [], test: [] }];
    const path = join(temporaryFolder(t), 'all.json');
    writeFileSync(path, formatSplits(splits));
    const checkpoint = inputFile(await trained('all', { splits: inputFile(path), epochs: 1 }));
    assert.ok(existsSync(checkpoint.path), 'a model of all slides, without a test set');
    const { values } = await predict(jobOf(t, { checkpoint }));
    assert.deepEqual(
      [values?.threshold, values?.['threshold-from']],
      [0.5, 'fixed at 0.5: the checkpoints store no validation scores'],
    );
    await assert.rejects(
      predict(jobOf(t, { checkpoint, threshold: 'pooled' })),
      hasCode('InvalidInput', /no threshold for `threshold: pooled`.*no validation scores/),
    );
    const given = await predict(jobOf(t, { checkpoint, threshold: 0.25 }));
    assert.deepEqual([given.values?.threshold, given.values?.['threshold-from']], [0.25, 'given: 0.25']);
  });
});
