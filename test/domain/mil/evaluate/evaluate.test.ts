import assert from 'node:assert/strict';
import { readFileSync, writeFileSync as writeText } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { digestOf } from '../../../../domain/digest.js';
import { writeFeatures } from '../../../../domain/pathology/layouts/bag-files.js';
import { openH5, withH5 } from '../../../../domain/files/hdf5/h5.js';
import { run as evaluate } from '../../../../domain/mil/evaluate/evaluate.js';
import type { EvaluateWith } from '../../../../domain/mil/evaluate/parameters.js';
import { parseGeoJson } from '../../../../domain/pathology/annotations/read-geojson.js';
import { run as heatmap } from '../../../../domain/mil/heatmap/heatmap.js';
import type { HeatmapWith } from '../../../../domain/mil/heatmap/parameters.js';
import { readClassMetrics } from '../../../../domain/mil/evaluate/read-metrics-file.js';
import { readPredictions } from '../../../../domain/mil/evaluate/predictions-file.js';
import type { Splits } from '../../../../domain/mil/split/splits.js';
import { run as train } from '../../../../domain/mil/train-fold/train-fold.js';
import type { TrainFoldWith } from '../../../../domain/mil/train-fold/parameters.js';
import { RandomStream } from '../../../../domain/random.js';
import { decodeImage } from '../../../../domain/pathology/slides/images.js';
import {
  exchangedSplits,
  makeCohort,
  makeJob as makeTrainingJob,
  trainWith,
  type Cohort,
} from '../cohort.js';
import { hasCode, inputFile, makeJob, temporaryFolder } from '../support.js';

describe('mil.evaluate and mil.heatmap with a trained model', () => {
  const cleanups: (() => void)[] = [];
  after(() => cleanups.forEach((cleanup) => cleanup()));
  let folder: string;
  let cohort: Cohort;
  let checkpoint: string;

  before(async () => {
    folder = temporaryFolder({ after: (cleanup) => void cleanups.push(cleanup) });
    cohort = makeCohort(folder);
    checkpoint = await trained('last', { epochs: 40, select: 'last' });
  });

  async function trained(name: string, changes: Partial<TrainFoldWith>): Promise<string> {
    const settings = trainWith(cohort, { splits: inputFile(cohort.splits.path), ...changes });
    const result = await train(makeTrainingJob(join(folder, name), cohort.work, settings));
    return result.files.checkpoint.from;
  }

  const evaluateWith = (changes: Partial<EvaluateWith> = {}): EvaluateWith => ({
    checkpoint: inputFile(checkpoint),
    bags: cohort.bags,
    splits: inputFile(cohort.splits.path),
    set: 'test',
    protocol: 'honest',
    threshold: 'validation',
    ordered: false,
    bootstrap: 50,
    backend: 'tensorflow',
    ...changes,
  });
  const jobOf = <With>(t: { after(done: () => void): void }, parameters: With, name: string) => {
    const job = makeJob(t, parameters, { name });
    return { ...job, work: cohort.work };
  };

  test('scores the test slides and states the source of the threshold and every input', async (t) => {
    const job = jobOf(t, evaluateWith(), 'abmil-0-0');
    const { files, values } = await evaluate(job);
    const metrics = readClassMetrics(files.metrics.from);
    assert.equal(values?.auc, 1, 'the made-up lesion is plain to see');
    assert.deepEqual(metrics.counts, { normal: 2, tumor: 2 });
    assert.equal(
      metrics.protocols.honest.threshold_from,
      'fixed at 0.5: only 2 validation slides of a class',
    );
    assert.deepEqual([metrics.model, metrics.repeat, metrics.fold, metrics.seed], ['abmil', 0, 0, 2021]);
    assert.equal(metrics.sources.checkpoint, digestOf(readFileSync(checkpoint)));
    assert.deepEqual(metrics.selection, { epoch: 40, by: 'last epoch', optimistic: false });
    const predictions = readPredictions(files.predictions.from, metrics.classes);
    assert.deepEqual(
      predictions.map(({ key }) => key),
      ['slide-08', 'slide-09', 'slide-18', 'slide-19'],
    );
    assert.equal(job.progressed.at(-1), 'slides 8/8');
  });

  test('gives the same bytes again, and no own threshold for the validation set', async (t) => {
    const bytes = async () => {
      const { files } = await evaluate(jobOf(t, evaluateWith(), 'abmil-0-0'));
      return Object.values(files).map(({ from }) => readFileSync(from, 'utf8'));
    };
    assert.deepEqual(await bytes(), await bytes());
    const { files } = await evaluate(jobOf(t, evaluateWith({ set: 'val' }), 'abmil-0-0'));
    const metrics = readClassMetrics(files.metrics.from);
    assert.equal(metrics.protocols.honest.threshold_from, 'fixed at 0.5: no validation set');
  });

  test('an epoch that the scored slides influenced is labeled optimistic', async (t) => {
    const selection = async (changes: Partial<TrainFoldWith>, set: EvaluateWith['set']) => {
      const file = inputFile(await trained(`${changes.validateOn}`, { epochs: 2, ...changes }));
      const { files } = await evaluate(jobOf(t, evaluateWith({ checkpoint: file, set }), 'c'));
      return readClassMetrics(files.metrics.from).selection;
    };
    const onVal = await selection({ validateOn: 'val' }, 'test');
    assert.deepEqual([onVal.by, onVal.optimistic], ['best AUC on val', false]);
    assert.equal((await selection({ validateOn: 'val' }, 'val')).optimistic, true);
    const onTest = await selection({ validateOn: 'test' }, 'test');
    assert.deepEqual([onTest.by, onTest.optimistic], ['best AUC on the scored slides', true]);
  });

  test('different splits, different classes and missing bags are rejected before any scoring', async (t) => {
    const text = readFileSync(cohort.splits.path, 'utf8');
    const altered = (change: (text: string) => string) => {
      const path = join(temporaryFolder(t), 'splits.json');
      writeText(path, change(text));
      return inputFile(path);
    };
    const refused = (changes: Partial<EvaluateWith>, message: RegExp) =>
      assert.rejects(evaluate(jobOf(t, evaluateWith(changes), 'c')), hasCode('InvalidInput', message));
    await refused(
      { splits: altered(exchangedSplits) },
      /trained on different splits.*training-slides sha256.*training-slides sha256/,
    );
    await refused(
      { splits: altered((old) => old.replace('"tumor"', '"lesion"')) },
      /different classes.*normal, lesion;.*normal, tumor/,
    );
    const few = join(temporaryFolder(t), 'items.jsonl');
    writeText(few, readFileSync(cohort.bags.path, 'utf8').split('\n').slice(0, 18).join('\n'));
    await refused({ bags: inputFile(few) }, /the splits name slides without a bag.*2: slide-18, slide-19/);
  });

  /**
   * A 4 x 4 grid of 256-pixel patches whose upper left quarter resembles the cohort's lesions, with two group
   * rows, and its slide.
   */
  async function makeSlide(t: { after(done: () => void): void }) {
    const own = temporaryFolder(t);
    const stream = new RandomStream('heatmap-test');
    const rows = 18;
    const features = Float32Array.from({ length: rows * 24 }, () => stream.normal() * 0.5);
    for (const row of [0, 1, 4, 5]) features[row * 24] += 4;
    const coords = Int32Array.from({ length: rows * 2 }, (_, i) =>
      i >= 32 ? -1 : 256 * (i % 2 === 0 ? (i >> 1) % 4 : i >> 3),
    );
    const bag = join(own, 'slide-08.h5');
    writeFeatures(bag, { features, dim: 24, coords }, { patch_size: 256, patch_level: 0 });
    const slide = join(own, 'slide-08.png');
    await sharp({ create: { width: 1024, height: 1024, channels: 3, background: '#d8a0c8' } })
      .png()
      .toFile(slide);
    const annotation = join(own, 'slide-08.geojson');
    const ring = [
      [0, 0],
      [512, 0],
      [512, 512],
      [0, 512],
      [0, 0],
    ];
    writeText(annotation, JSON.stringify({ type: 'Polygon', coordinates: [ring] }));
    return { bag: inputFile(bag), slide: inputFile(slide), annotation: inputFile(annotation) };
  }
  const heatmapWith = (changes: Pick<HeatmapWith, 'slide' | 'bag'> & Partial<HeatmapWith>): HeatmapWith => ({
    checkpoint: inputFile(checkpoint),
    repeat: 0,
    score: 'attention',
    smooth: true,
    colormap: 'viridis',
    longest: 256,
    backend: 'tensorflow',
    ...changes,
  });

  test('attention and class probability find the lesion; files, set and label are stated', async (t) => {
    const { annotation, ...given } = await makeSlide(t);
    for (const score of ['attention', 'class-probability'] as const) {
      const parameters = heatmapWith({ ...given, annotation, splits: inputFile(cohort.splits.path), score });
      const { files, values } = await heatmap(jobOf(t, parameters, 'slide-08'));
      assert.equal(values?.['lesion-auc'], 1, score);
      assert.deepEqual(
        [values?.['lesion-patches'], values?.patches, values?.['lesion-share']],
        [4, 16, 0.25],
      );
      assert.deepEqual([values?.set, values?.label], ['test', 'normal']);
      assert.deepEqual(values?.annotated, { counted: { 'without class': 1 } });
      const h5 = openH5(files.scores.from);
      assert.deepEqual(h5.info('scores'), { dtype: 'float32', shape: [16] });
      assert.deepEqual(h5.info('coords').shape, [16, 2]);
      assert.equal(h5.attributes('coords').patch_size_level0, 256);
      h5.close();
      assert.equal(parseGeoJson(readFileSync(files.geojson.from, 'utf8'), 'f').regions.length, 16);
      const picture = await decodeImage(files.overlay.from);
      assert.deepEqual([picture.width, picture.height], [256, 256]);
      const at = (x: number, y: number) => [
        ...picture.data.subarray((y * 256 + x) * 3, (y * 256 + x) * 3 + 3),
      ];
      const [inside, outside] = [at(40, 40), at(200, 200)];
      assert.ok(
        inside[0] < outside[0] - 40,
        `cyan inside (${inside.join()}), less of it outside (${outside.join()})`,
      );
    }
  });

  test('a class is selected by name, and an unknown one is rejected before the slide is opened', async (t) => {
    const { bag, slide } = await makeSlide(t);
    const scoresOf = async (changes: Partial<HeatmapWith>) => {
      const parameters = heatmapWith({ bag, slide, score: 'class-probability', ...changes });
      const { files, values } = await heatmap(jobOf(t, parameters, 'slide-08'));
      const { scores, attributes } = withH5(files.scores.from, (file) => ({
        scores: file.readFloat32('scores'),
        attributes: file.attributes('scores'),
      }));
      assert.deepEqual(attributes, { score: 'class-probability', class: values?.class });
      const named = `probability of ${values?.class as string}`;
      const geojson = readFileSync(files.geojson.from, 'utf8');
      assert.equal(geojson.split(`"${named}":`).length, scores.length + 1);
      for (const picture of [files.overlay, files['overlay-map']]) {
        const { exif } = await sharp(picture.from).metadata();
        assert.ok(exif?.includes(named), 'the picture names the class');
      }
      return { class: values?.class, scores: [...scores], probability: values?.probability as number };
    };
    const positive = await scoresOf({});
    assert.equal(positive.class, 'tumor');
    assert.deepEqual(await scoresOf({ class: 'tumor' }), positive);
    const negative = await scoresOf({ class: 'normal' });
    negative.scores.forEach((score, i) => assert.ok(Math.abs(score + positive.scores[i] - 1) < 1e-6));
    assert.ok(Math.abs(negative.probability + positive.probability - 1) < 1e-6);
    const none = { ...slide, path: join(temporaryFolder(t), 'none.svs') };
    await assert.rejects(
      scoresOf({ slide: none, class: 'lesion' }),
      hasCode('InvalidInput', /no class "lesion".*normal, tumor/),
    );
  });

  test('a slide uses the fold whose test set contains it', async (t) => {
    const { bag, slide } = await makeSlide(t);
    const own = temporaryFolder(t);
    const text = JSON.parse(readFileSync(cohort.splits.path, 'utf8')) as Splits;
    const [first] = text.repeats[0].folds;
    // Fold 1 tests the training slides of fold 0, and vice versa.
    const { train: trainedOn, test: tested } = first;
    text.repeats[0].folds = [first, { fold: 1, train: tested, val: [], test: trainedOn }];
    writeText(join(own, 'splits.json'), JSON.stringify(text));
    const splits = inputFile(join(own, 'splits.json'));
    const lines: string[] = [];
    for (const fold of [0, 1]) {
      const path = await trained(`fold-${fold}`, { splits, fold, epochs: 1, select: 'last' });
      const output = { path, digest: digestOf(readFileSync(path)), bytes: 1 };
      lines.push(
        JSON.stringify({
          key: `abmil-0-${fold}`,
          fields: {},
          status: 'done',
          outputs: { checkpoint: output },
        }),
      );
    }
    writeText(join(own, 'train.jsonl'), lines.join('\n'));
    const checkpoints = inputFile(join(own, 'train.jsonl'));
    const given = heatmapWith({ bag, slide, splits, checkpoint: undefined, checkpoints });
    for (const key of [tested[0], trainedOn[0]]) {
      const { values } = await heatmap(jobOf(t, given, key));
      assert.equal(values?.set, 'test', key);
    }
    const { values } = await heatmap(jobOf(t, given, 'stranger'));
    assert.equal(values?.set, undefined, 'in no set: shown anyway');
    const refused = (changes: Partial<HeatmapWith>, message: RegExp) =>
      assert.rejects(
        heatmap(jobOf(t, { ...given, ...changes }, tested[0])),
        hasCode('InvalidInput', message),
      );
    await refused({ checkpoint: inputFile(checkpoint) }, /either `checkpoint` or `checkpoints`.*both/);
    await refused({ checkpoints: undefined }, /neither/);
    const foreign = { ...given };
    delete foreign.splits;
    const job = jobOf(t, foreign, 'of-another-cohort');
    const mean = await heatmap(job);
    const single = await Promise.all(
      [0, 1].map(async (fold) => {
        const rest = { ...foreign };
        delete rest.checkpoints;
        const path = (JSON.parse(lines[fold]) as { outputs: { checkpoint: { path: string } } }).outputs
          .checkpoint.path;
        return (await heatmap(jobOf(t, { ...rest, checkpoint: inputFile(path) }, 'one'))).values
          ?.probability as number;
      }),
    );
    assert.ok(Math.abs((mean.values?.probability as number) - (single[0] + single[1]) / 2) < 1e-12);
    await refused({ repeat: 1 }, /no checkpoint of repeat 1/);
  });

  test('a slide without annotation is normal, and the patch size comes from the bag or a parameter', async (t) => {
    const { bag, slide } = await makeSlide(t);
    const { values } = await heatmap(jobOf(t, heatmapWith({ bag, slide }), 'slide-08'));
    assert.equal(values?.['lesion-auc'], null);
    assert.equal(values?.set, undefined);
    const bare = join(temporaryFolder(t), 'bare.h5');
    writeFeatures(bare, { features: new Float32Array(48), dim: 24, coords: Int32Array.of(0, 0, 256, 0) });
    const parameters = heatmapWith({ slide, bag: inputFile(bare) });
    await assert.rejects(
      heatmap(jobOf(t, parameters, 'x')),
      hasCode('InvalidInput', /bare\.h5.*does not state its patch size.*patch-size-level0/),
    );
    // Equivalent to a .pt file without a sam_info.
    const placeless = join(temporaryFolder(t), 'placeless.h5');
    writeFeatures(placeless, { features: new Float32Array(48), dim: 24, coords: new Int32Array(4) });
    await assert.rejects(
      heatmap(jobOf(t, heatmapWith({ slide, bag: inputFile(placeless), patchSizeLevel0: 256 }), 'x')),
      hasCode('InvalidInput', /placeless\.h5.*where its patches are.*2 patches, all at 0, 0/),
    );
    const other = join(temporaryFolder(t), 'splits.json');
    writeText(other, exchangedSplits(readFileSync(cohort.splits.path, 'utf8')));
    await assert.rejects(
      heatmap(jobOf(t, heatmapWith({ bag, slide, splits: inputFile(other) }), 'slide-08')),
      hasCode('InvalidInput', /trained on different splits/),
      'its set would be that of another experiment',
    );
    const sized = await heatmap(jobOf(t, { ...parameters, patchSizeLevel0: 256 }, 'x'));
    assert.equal(sized.values?.patches, 2);
  });
});
