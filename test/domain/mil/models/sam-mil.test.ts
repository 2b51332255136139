import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Aggregator } from '../../../../domain/mil/models/aggregator.js';
import { areaMask, maskedCount } from '../../../../domain/mil/models/area-mask.js';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { baselineAggregator, baselineModel, type Baseline } from '../../../../domain/mil/models/baselines.js';
import type { SamMilOptions } from '../../../../domain/mil/models/model-options.js';
import type { Model } from '../../../../domain/mil/models/model.js';
import { equalRuns, nearEqualRuns, pseudoBags } from '../../../../domain/mil/models/pseudo-bags.js';
import { build, paperLoss, releaseLoss } from '../../../../domain/mil/models/sam-mil.js';
import { RandomStream } from '../../../../domain/random.js';
import {
  assertClose,
  checkCount,
  checkTraining,
  inferOracle,
  Oracle,
  oracleConfig,
  stepContext,
  toDevice,
} from '../oracle.js';

const defaults = {
  mode: 'paper',
  baseline: 'abmil',
  maskRatio: 0.9,
  maskSlope: 5e-4,
  maskArea: 5000,
  numGroup: 5,
  alpha: 0.5,
  beta: 1000,
  consistencyOver: 'all',
} as const;
const config = oracleConfig<SamMilOptions>('sam-mil', defaults);
const oracle = new Oracle('sammil_attn');

/** The model of an oracle's case, with the mask and the partition that PyTorch was given. */
function givenDraw(oracle: Oracle, name: string, baseline: Baseline, aggregator: Aggregator): Model {
  const { N, inputs } = oracle.cases[name];
  const groups = equalRuns(oracle.ids(inputs.perm), 5);
  const keep = new Uint8Array(N);
  oracle.ids(inputs.keep).forEach((row) => (keep[row] = 1));
  const isPaper = name.endsWith('paper');
  const draw = isPaper ? { keep, groups } : { groups };
  const step = { settings: { ...defaults, baseline }, aggregator, draw };
  return {
    ...baselineModel(config, aggregator),
    loss: (weights, bag, context) => (isPaper ? paperLoss : releaseLoss)(weights, bag, config, step, context),
  };
}

describe('SAM-MIL equals PyTorch', () => {
  before(() => openBackend('tensorflow'));

  for (const [title, file, baseline, underlying] of [
    ['AB-MIL', 'sammil_attn', 'abmil', 'abmil'],
    // The same numbers, with each sub-bag computed separately.
    ['AB-MIL, bag by bag', 'sammil_attn', 'transmil', 'abmil'],
    ['TransMIL', 'sammil_selfattn', 'transmil', 'transmil'],
  ] as const) {
    const oracle = new Oracle(file);
    for (const [name, oracleCase] of Object.entries(oracle.cases)) {
      // One pass per sub-bag is slow, so the large bag is tested only once.
      if (baseline === 'transmil' && name === 'N300_release') continue;
      test(`${title} ${name}`, () => {
        const aggregator = baselineAggregator(config, underlying);
        const model = givenDraw(oracle, name, baseline, aggregator);
        checkCount(model, oracle.parameterCount);
        const teacher = oracle.has('teacher/cls.w') ? toDevice(model, oracle.weights('teacher')) : undefined;
        const parts = checkTraining(model, oracle, name, (parts) => ({
          ...stepContext(oracleCase.label, parts),
          ...(teacher && { teacher }),
        }));
        const { loss_con, loss_ce, loss_bag, reported_total } = oracleCase.scalars;
        assertClose([parts.consistency], [loss_con], 'consistency');
        if (name.endsWith('paper'))
          assertClose([parts.classification], [loss_ce + 0.5 * loss_bag], 'classification');
        else assertClose([parts.printed], [reported_total], 'the total that the released code prints');

        const weights = toDevice(model, oracle.weights());
        const bag = oracle.bag(oracleCase);
        const { logits } = inferOracle(model, weights, bag);
        assertClose(logits, oracle.floats(`${name}/out/test_logits`), 'logits of the whole bag', 5e-5);
        tf.dispose([weights, bag.x]);
        if (teacher !== undefined) tf.dispose(teacher);
      });
    }
  }

  test('numbers of masked rows follow the published rule', () => {
    for (const { mask_counts } of Object.values(oracle.cases)) {
      for (const { area, n, masked } of mask_counts ?? [])
        assert.equal(maskedCount(n, area, defaults), masked);
    }
  });

  test('both modes train with their own draws, and the parameter count equals the published one', () => {
    const full = { ...config, dim: 1024, embedDim: 512, attentionDim: 128 };
    checkCount(build(full), 591_490);
    const oracleCase = oracle.cases.N300_paper;
    const bag = oracle.bag(oracleCase);
    for (const mode of ['paper', 'release'] as const) {
      const model = build({ ...config, options: { ...defaults, mode } });
      const weights = toDevice(model, oracle.weights());
      const once = () => tf.tidy(() => model.loss(weights, bag, stepContext(0)).dataSync()[0]);
      assert.equal(once(), once(), 'the draw depends on the stream only');
      assert.equal(model.teacherMomentum?.(stepContext(0)), mode === 'release' ? 1 : undefined);
      tf.dispose(weights);
    }
    bag.x.dispose();
  });
});

test('the area mask keeps group rows and masks the right number of each area', () => {
  const area = Float32Array.from({ length: 1000 }, (_, i) => [0, 1, 4000, 20_000][i % 4]);
  const keep = areaMask(area, defaults, new RandomStream('mask'));
  for (const value of [1, 4000, 20_000]) {
    const masked = area.reduce((sum, a, i) => sum + (a === value && keep[i] === 0 ? 1 : 0), 0);
    assert.equal(masked, maskedCount(250, value, defaults), `area ${value}`);
  }
  assert.ok(area.every((a, i) => a !== 0 || keep[i] === 1));
  assert.deepEqual(areaMask(area, defaults, new RandomStream('mask')), keep, 'same stream, same mask');
  assert.notDeepEqual(areaMask(area, defaults, new RandomStream('other')), keep);
  assert.deepEqual(areaMask(new Float32Array(3), defaults, new RandomStream('x')), Uint8Array.of(1, 1, 1));
  const all = { maskRatio: 1, maskSlope: 1, maskArea: 0 };
  assert.equal(areaMask(Float32Array.of(1e9), all, new RandomStream('x'))[0], 1, 'a bag never becomes empty');
});

test('pseudo-bags form a partition, at most one per row, and the last takes the remainder', () => {
  const { of, count } = pseudoBags(37, 5, new RandomStream('p'));
  const sizes = Array.from({ length: count }, (_, bag) => of.filter((b) => b === bag).length);
  assert.deepEqual(sizes, [7, 7, 7, 7, 9]);
  assert.deepEqual(sizes, oracle.cases.N37_paper.pseudo_bag_sizes);
  const even = nearEqualRuns(new RandomStream('p').permutation(10), 4);
  assert.deepEqual(
    [0, 1, 2, 3].map((bag) => even.of.filter((b) => b === bag).length),
    [3, 3, 2, 2],
  );
  assert.equal(pseudoBags(3, 5, new RandomStream('p')).count, 3);
  assert.deepEqual([...pseudoBags(1, 5, new RandomStream('p')).of], [0]);
});
