import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import {
  build,
  distilled,
  dtfdGradients,
  firstTier,
  instanceScores,
  secondTier,
  selectInstances,
} from '../../../../domain/mil/models/dtfd.js';
import type { DtfdOptions } from '../../../../domain/mil/models/model-options.js';
import type { Model } from '../../../../domain/mil/models/model.js';
import { nearEqualRuns } from '../../../../domain/mil/models/pseudo-bags.js';
import { assertClose, checkCount, checkTraining, Oracle, oracleConfig, toDevice } from '../oracle.js';

const oracle = new Oracle('dtfd');

describe('DTFD-MIL equals PyTorch', () => {
  before(() => openBackend('tensorflow'));

  for (const [name, oracleCase] of Object.entries(oracle.cases)) {
    test(name, () => {
      const [, distill, gradient] = name.split('_');
      const settings: DtfdOptions = {
        numGroup: 4,
        distill: distill as DtfdOptions['distill'],
        detach: gradient === 'detach',
        clip: distill === 'AFS' ? 0.05 : 5,
      };
      const config = oracleConfig('dtfd-mil', settings);
      const groups = nearEqualRuns(oracle.ids(oracleCase.inputs.perm), 4);
      const published = build(config);
      const { parameters } = published;
      const model: Model = {
        ...published,
        gradients: (weights, bag, context) =>
          dtfdGradients(weights, bag, groups, config, context, parameters),
      };
      checkCount(model, oracle.parameterCount);
      const out = (value: string) => `${name}/out/${value}`;
      const weights = toDevice(model, oracle.weights());
      const bag = oracle.bag(oracleCase);
      tf.tidy(() => {
        const tier1 = firstTier(weights, bag, groups);
        assertClose(tier1.logits.dataSync(), oracle.floats(out('sub_logits')), 'logits of the pseudo-bags');
        const scores = instanceScores(weights, tier1, config);
        assertClose(scores, oracle.floats(out('inst_prob')), 'instance probabilities');
        if (oracle.has(out('selected')) && distill !== 'AFS') {
          const selected = selectInstances(scores, groups, distill === 'MaxMinS');
          assert.deepEqual(selected, [...oracle.ids(out('selected'))]);
        }
        const features = distilled(weights, tier1, config);
        assertClose(features.dataSync(), oracle.floats(out('distilled')), 'distilled features');
        assertClose(secondTier(weights, features).dataSync(), oracle.floats(out('logits')), 'logits');
      });
      tf.dispose([weights, bag.x]);
      const parts = checkTraining(model, oracle, name);
      assertClose([parts.tier1], [oracleCase.loss0_steps?.[0] ?? NaN], 'loss of tier 1');
      assertClose([parts.tier2], [oracleCase.loss1_steps?.[0] ?? NaN], 'loss of tier 2');
    });
  }
});

const OPTIONS: DtfdOptions = { numGroup: 4, distill: 'AFS', detach: true, clip: 5 };

test('parameter counts equal the published modules', () => {
  const config = (dim: number) => ({
    ...oracleConfig('dtfd-mil', OPTIONS),
    dim,
    embedDim: 512,
    attentionDim: 128,
  });
  checkCount(build(config(1024)), 789_254);
  checkCount(build(config(512)), 527_110);
});
