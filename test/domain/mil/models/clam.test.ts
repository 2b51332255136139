import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import type { ClamOptions } from '../../../../domain/mil/models/model-options.js';
import { build, buildMultiBranch } from '../../../../domain/mil/models/clam.js';
import { rowCrossEntropy, smoothTop1Svm } from '../../../../domain/mil/compute/instance-loss.js';
import { RandomStream } from '../../../../domain/random.js';
import { fixture } from '../../../support/fixtures.js';
import {
  assertClose,
  checkCount,
  checkTraining,
  inferOracle,
  Oracle,
  oracleConfig,
  toDevice,
} from '../oracle.js';

describe('CLAM equals PyTorch', () => {
  before(() => openBackend('tensorflow'));

  for (const [name, buildModel] of [
    ['clam_sb', build],
    ['clam_mb', buildMultiBranch],
  ] as const) {
    const oracle = new Oracle(name);
    for (const [caseName, oracleCase] of Object.entries(oracle.cases)) {
      test(`${name} ${caseName}`, () => {
        const [, instLoss, subtyping] = caseName.split('_');
        const options: ClamOptions = {
          instLoss: instLoss as ClamOptions['instLoss'],
          subtyping: subtyping !== undefined,
          kSample: 8,
          bagWeight: 0.7,
        };
        const model = buildModel({ ...oracleConfig(name, options), attentionDim: 32 });
        checkCount(model, oracle.parameterCount);
        const weights = toDevice(model, oracle.weights());
        const bag = oracle.bag(oracleCase);
        const { logits, attention } = inferOracle(model, weights, bag);
        tf.dispose([weights, bag.x]);
        assertClose(logits, oracle.floats(`${caseName}/out/logits`), 'logits');
        assertClose(attention, oracle.floats(`${caseName}/out/attention`).slice(-oracleCase.N), 'attention');
        const parts = checkTraining(model, oracle, caseName);
        assertClose([parts.instance], [oracleCase.scalars.inst_loss], 'instance loss');
        assertClose([parts.bag], [oracleCase.scalars.loss_bag], 'bag loss');
      });
    }
  }
});

test('parameter counts equal the published modules', () => {
  const options: ClamOptions = { instLoss: 'svm', subtyping: false, kSample: 8, bagWeight: 0.7 };
  const config = (dim: number) => ({
    ...oracleConfig('clam', options),
    dim,
    embedDim: 512,
    attentionDim: 256,
  });
  checkCount(build(config(1024)), 790_791);
  checkCount(build(config(512)), 528_647);
  checkCount(buildMultiBranch(config(1024)), 791_048);
  checkCount(buildMultiBranch(config(512)), 528_904);
});

test('the smooth top-1 SVM equals the published one, row by row', () => {
  const oracle = JSON.parse(readFileSync(fixture('oracles/mil/smooth_top1_svm.json'), 'utf8')) as {
    scores: number[][];
    labels: number[];
    per_row: number[];
    mean: number;
  };
  const { loss } = smoothTop1Svm(oracle.scores.flat(), oracle.labels, 2);
  assertClose([loss], [oracle.mean], 'mean', 1e-9);
  oracle.scores.forEach((row, i) =>
    assertClose([smoothTop1Svm(row, [oracle.labels[i]], 2).loss], [oracle.per_row[i]], `row ${i}`, 1e-9),
  );
});

test('gradients of both instance losses equal finite differences', () => {
  const stream = new RandomStream('instance');
  const scores = Float64Array.from({ length: 24 }, () => 4 * stream.normal());
  const labels = Array.from({ length: 8 }, () => stream.below(3));
  for (const f of [rowCrossEntropy, smoothTop1Svm]) {
    const { gradient } = f(scores, labels, 3);
    scores.forEach((_, i) => {
      const at = (delta: number) =>
        f(
          scores.map((value, j) => value + (i === j ? delta : 0)),
          labels,
          3,
        ).loss;
      const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
      assert.ok(Math.abs(gradient[i] - slope) < 1e-6, `${f.name} ${i}: ${gradient[i]}, ${slope}`);
    });
  }
});
