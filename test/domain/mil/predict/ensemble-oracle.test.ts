import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCsv } from '../../../../domain/files/csv.js';
import type { InputFile } from '../../../../domain/job.js';
import { jsonLines } from '../../../../domain/json.js';
import { openBackend } from '../../../../domain/mil/compute/backend.js';
import { buildModel } from '../../../../domain/mil/models/build-model.js';
import { writeCheckpoint } from '../../../../domain/mil/models/checkpoint.js';
import { resolveOptions } from '../../../../domain/mil/models/registry.js';
import { readEnsembleFile } from '../../../../domain/mil/cohort/ensemble-file.js';
import { outputsOf, type Target } from '../../../../domain/mil/targets/target.js';
import type { PredictWith } from '../../../../domain/mil/predict/parameters.js';
import { run as predict } from '../../../../domain/mil/predict/predict.js';
import { writeFeatures } from '../../../../domain/pathology/layouts/bag-files.js';
import { Oracle, oracleConfig } from '../oracle.js';
import { inputFile, makeJob, temporaryFolder } from '../support.js';

/**
 * Folds whose logits PyTorch gives: its own weights, and the same with a classifier that is scaled and
 * shifted, which scales and shifts the logits.
 */
const FOLDS = [
  { scale: 1, shift: [0, 0] },
  { scale: -2.5, shift: [0.5, -0.25] },
  { scale: 0.25, shift: [-1, 2] },
];

const softmax = (logits: readonly number[]) => {
  const powers = logits.map((value) => Math.exp(value - Math.max(...logits)));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
};
const meanOf = (rows: readonly (readonly number[])[]) =>
  rows[0].map((_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length);

for (const combine of ['probabilities', 'logits'] as const) {
  test(`an ensemble by the mean of ${combine} equals PyTorch's forward of its checkpoints`, async (t) => {
    await openBackend('tensorflow');
    const oracle = new Oracle('abmil');
    const work = temporaryFolder(t);
    const job = makeJob(t, await parametersFor(oracle, work, combine), { work });
    const { files, values } = await predict(job);
    const logitsOf = (slide: string) =>
      FOLDS.map(({ scale, shift }) =>
        [...oracle.floats(`${slide}/out/logits`)].map((value, k) => value * scale + shift[k]),
      );
    const near = (text: string, expected: number, what: string) =>
      assert.ok(Math.abs(Number(text) - expected) <= 1e-5, `${what}: ${text}, expected ${expected}`);
    const { rows } = readCsv(files.predictions.from);
    assert.deepEqual(
      rows.map(({ values: { slide_id: slide } }) => slide),
      ['N300', 'N37'],
    );
    for (const { values: row } of rows) {
      const folds = logitsOf(row.slide_id);
      const own = folds.map(softmax);
      const expected = combine === 'logits' ? softmax(meanOf(folds)) : meanOf(own);
      const mean = meanOf(own);
      for (const [k, name] of ['normal', 'tumor'].entries()) {
        near(row[`prob_${name}`], expected[k], `${row.slide_id} ${name}`);
        const spread = Math.sqrt(meanOf(own.map((one) => [(one[k] - mean[k]) ** 2]))[0]);
        near(row[`spread_${name}`], spread, `${row.slide_id} spread of ${name}`);
      }
      assert.equal(row.called, expected[1] >= 0.5 ? 'tumor' : 'normal');
    }
    for (const { values: row } of readCsv(files.folds.from).rows) {
      const fold = Number(row.checkpoint.slice(-1));
      softmax(logitsOf(row.slide_id)[fold]).forEach((value, k) =>
        near(row[`prob_${['normal', 'tumor'][k]}`], value, `${row.slide_id} ${row.checkpoint}`),
      );
    }
    assert.deepEqual([values?.threshold, values?.checkpoints, values?.slides], [0.5, 3, 2]);
    assert.equal(values?.['threshold-from'], 'fixed at 0.5: the checkpoints store no validation scores');
  });
}

/** Training patients of each fold, on other scales. */
const RISKS = [
  [0.1, 0.7, -0.2, 0.4],
  [-3, 2, 5, 0],
  [0.01, 0.02, 0.05, 0.07],
];
const TRAINED = { times: [3, 8, 12, 20], events: [1, 0, 1, 1] };

const TARGETS: Record<'hazard' | 'cox' | 'regression', (fold: number) => Target> = {
  hazard: (fold) => ({ endpoint: 'survival', head: 'hazard', time: 'months', edges: [10 + fold] }),
  cox: () => ({ endpoint: 'survival', head: 'cox', time: 'months' }),
  regression: () => ({ endpoint: 'regression', value: 'score' }),
};

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const deviationOf = (values: readonly number[]) => {
  const mean = meanOf(values.map((value) => [value]))[0];
  return Math.sqrt(meanOf(values.map((value) => [(value - mean) ** 2]))[0]);
};

for (const kind of ['hazard', 'cox', 'regression'] as const) {
  test(`an ensemble of ${kind} equals PyTorch's forward of its checkpoints`, async (t) => {
    await openBackend('tensorflow');
    const oracle = new Oracle('abmil');
    const work = temporaryFolder(t);
    const job = makeJob(t, await parametersFor(oracle, work, 'probabilities', TARGETS[kind]), { work });
    const { files, values } = await predict(job);
    const scaledOf = (slide: string) =>
      FOLDS.map(({ scale, shift }, fold) => {
        const [a, b] = [...oracle.floats(`${slide}/out/logits`)].map((z, k) => z * scale + shift[k]);
        if (kind === 'hazard') return -(sigmoid(-a) + sigmoid(-a) * sigmoid(-b));
        if (kind === 'regression') return a;
        return (a - meanOf(RISKS[fold].map((risk) => [risk]))[0]) / deviationOf(RISKS[fold]);
      });
    const near = (text: string, expected: number, what: string, scale = 1) =>
      assert.ok(Math.abs(Number(text) - expected) <= 1e-5 * scale, `${what}: ${text}, expected ${expected}`);
    const name = kind === 'regression' ? 'predicted' : 'risk';
    for (const { values: row } of readCsv(files.predictions.from).rows) {
      const scaled = scaledOf(row.slide_id);
      // A fold with a small deviation magnifies the rounding of its logits.
      const scale = kind === 'cox' ? 1 / deviationOf(RISKS[2]) : 1;
      near(row[name], meanOf(scaled.map((value) => [value]))[0], row.slide_id, scale);
      near(row.spread, deviationOf(scaled), `${row.slide_id} spread`, scale);
      if (kind !== 'regression')
        assert.equal(row.group, Number(row.risk) > Number(values?.threshold) ? 'high' : 'low');
    }
    const folds = readCsv(files.folds.from);
    assert.deepEqual(folds.columns, ['slide_id', 'checkpoint', ...(kind === 'regression' ? ['predicted'] : ['risk', 'averaged_risk'])]); // prettier-ignore
    assert.equal(readEnsembleFile(files.ensemble.from).target.endpoint, kind === 'regression' ? kind : 'survival'); // prettier-ignore
    if (kind === 'hazard') assert.deepEqual([values?.threshold, values?.['threshold-from']], [(0.05 + 0.07) / 2, 'median risk of 12 training patients of 3 checkpoints']); // prettier-ignore
    if (kind === 'regression') assert.equal(values?.threshold, undefined);
  });
}

async function parametersFor(
  oracle: Oracle,
  work: string,
  combine: PredictWith['combine'],
  targetOf: (fold: number) => Target = () => ({ endpoint: 'classification', classes: ['normal', 'tumor'] }),
): Promise<PredictWith> {
  mkdirSync(join(work, 'bags'));
  const file = (path: string) => ({ path, digest: inputFile(join(work, path)).digest, bytes: 1 });
  const list = (name: string, output: string, paths: readonly (readonly [string, string])[]): InputFile => {
    const items = paths.map(([key, path]) => ({
      ...{ key, fields: {}, status: 'done' },
      outputs: { [output]: file(path) },
    }));
    writeFileSync(join(work, name), jsonLines(items));
    return inputFile(join(work, name));
  };
  const bags = Object.keys(oracle.cases).map((name) => {
    const features = oracle.floats(oracle.cases[name].inputs.x);
    const coords = Int32Array.from({ length: features.length / 16 }, (_, i) => i);
    writeFeatures(join(work, 'bags', `${name}.h5`), { features, dim: 32, coords });
    return [name, `bags/${name}.h5`] as const;
  });
  const outputs = outputsOf(targetOf(0));
  const { endpoint } = targetOf(0);
  const config = { ...oracleConfig('abmil', resolveOptions('abmil', {})), outputs, endpoint };
  const model = await buildModel(config);
  const checkpoints = FOLDS.map(({ scale, shift }, fold) => {
    const weights = oracle.weights();
    weights['cls.w'] = weights['cls.w'].map((value) => value * scale);
    weights['cls.b'] = weights['cls.b'].map((value, k) => value * scale + shift[k]);
    // A model of one output is the first row of the classifier.
    weights['cls.w'] = weights['cls.w'].subarray(0, outputs * config.embedDim);
    weights['cls.b'] = weights['cls.b'].subarray(0, outputs);
    const path = `fold-${fold}.safetensors`;
    const survival = { ...TRAINED, risks: RISKS[fold] };
    const training = { repeat: 0, fold, seed: 1, ...(endpoint === 'survival' && { survival }) };
    const checkpoint = {
      config,
      target: targetOf(fold),
      groupFeatures: true,
      weights,
      training,
    };
    writeCheckpoint(join(work, path), checkpoint, model.parameters);
    return [`abmil-0-${fold}`, path] as const;
  });
  return {
    // The order in which checkpoints are listed must not matter.
    checkpoints: list('train.jsonl', 'checkpoint', checkpoints.toReversed()),
    bags: list('bags.jsonl', 'bag', bags.toSorted()),
    combine,
    level: 'slide',
    patientScore: 'mean',
    mismatch: 'error',
    attention: false,
    topPatches: 10,
    backend: 'tensorflow',
  };
}
