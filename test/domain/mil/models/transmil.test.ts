import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openBackend, tf, type Tensor3D } from '../../../../domain/mil/compute/backend.js';
import type { Model, ModelConfig } from '../../../../domain/mil/models/model.js';
import { embedBag } from '../../../../domain/mil/models/abmil.js';
import { pseudoInverse } from '../../../../domain/mil/compute/pseudo-inverse.js';
import { linearSpec } from '../../../../domain/mil/compute/parameters.js';
import { build, selfAttentionAggregator } from '../../../../domain/mil/models/transmil.js';
import { RandomStream } from '../../../../domain/random.js';
import {
  assertClose,
  checkCount,
  checkTraining,
  inferOracle,
  Oracle,
  oracleConfig,
  toDevice,
} from '../oracle.js';

/**
 * TransMIL sums in a different order than PyTorch over many more steps. The oracle's own float32 run deviates
 * by as much.
 */
const TOLERANCE = 5e-5;

/** The aggregator as a separate model. */
function selfAttention(config: ModelConfig): Model {
  const aggregator = selfAttentionAggregator(config);
  return {
    parameters: [...linearSpec('embed', config.dim, config.embedDim), ...aggregator.parameters],
    loss: (weights, bag, context) =>
      aggregator.aggregate(weights, embedBag(weights, bag, config), context).loss(context),
    infer(weights, bag) {
      const h = embedBag(weights, bag, config);
      const { logits, layers } = aggregator.aggregate(weights, h);
      const attention = tf.concat(layers);
      return {
        logits: tf.reshape(logits, [2]),
        attention: tf.reshape(attention, [attention.size]),
        instanceLogits: aggregator.instanceLogits(weights, h),
      };
    },
  };
}

describe('TransMIL equals PyTorch', () => {
  before(() => openBackend('tensorflow'));

  for (const [name, build_] of [
    ['transmil_benchmark', build],
    ['transmil_selfattn', selfAttention],
  ] as const) {
    const oracle = new Oracle(name);
    for (const [caseName, oracleCase] of Object.entries(oracle.cases)) {
      test(`${name} ${caseName}`, () => {
        const model = build_(oracleConfig(name));
        checkCount(model, oracle.parameterCount);
        const weights = toDevice(model, oracle.weights());
        const bag = oracle.bag(oracleCase);
        const { logits, attention } = inferOracle(model, weights, bag);
        tf.dispose([weights, bag.x]);
        assertClose(logits, oracle.floats(`${caseName}/out/logits`), 'logits', TOLERANCE);
        if (name === 'transmil_selfattn') {
          const layers = [1, 2].flatMap((layer) => [
            ...oracle.floats(`${caseName}/out/attention_layer${layer}`),
          ]);
          assertClose(attention, layers, 'attention by layer and head', TOLERANCE);
        } else assert.equal(attention.length, oracleCase.N);
        checkTraining(model, oracle, caseName);
      });
    }
  }

  test('the pseudo-inverse of well-conditioned matrices is their inverse', () => {
    const stream = new RandomStream('pinv');
    const error = tf.tidy(() => {
      const noise = tf.tensor3d(
        Float32Array.from({ length: 2 * 25 }, () => 0.1 * stream.normal()),
        [2, 5, 5],
      );
      const a: Tensor3D = tf.add(noise, tf.eye(5));
      return tf.max(tf.abs(tf.sub(tf.matMul(a, pseudoInverse(a)), tf.eye(5)))).dataSync()[0];
    });
    assert.ok(error < 1e-3, `A pinv(A) differs from 1 by ${error}`);
  });
});

test('parameter counts equal the published modules', () => {
  const config = (dim: number) => ({ ...oracleConfig('transmil'), dim, embedDim: 512 });
  for (const build_ of [build, selfAttention]) {
    checkCount(build_(config(1024)), 2_672_146);
    checkCount(build_(config(512)), 2_410_002);
  }
});
