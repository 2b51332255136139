import { before, describe, test } from 'node:test';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { buildLinear, buildSimlp } from '../../../../domain/mil/models/mean-features.js';
import { openAdam, startingState } from '../../../../domain/mil/train-fold/adam.js';
import { trainStep } from '../../../support/train-step.js';
import {
  assertClose,
  checkCount,
  checkTraining,
  checkWeights,
  inferOracle,
  Oracle,
  oracleConfig,
  stepContext,
  toDevice,
} from '../oracle.js';

/** As published for SiMLP. */
const ADAMW = { decoupled: true, weightDecay: 1e-4, beta2: 0.98 };
const LEARNING_RATE = 1e-4;

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`models on the mean feature vector on ${backend}`, () => {
    before(() => openBackend(backend));

    for (const hiddenActivation of ['relu', 'gelu'] as const) {
      const oracle = new Oracle(`simlp_${hiddenActivation}`, 'mil-2');
      const model = buildSimlp({ ...oracleConfig('simlp', { hiddenActivation }), outputs: 3 });
      for (const [caseName, oracleCase] of Object.entries(oracle.cases)) {
        test(`SiMLP equals PyTorch, also over steps of AdamW: ${hiddenActivation} ${caseName}`, () => {
          checkCount(model, oracle.parameterCount);
          const weights = toDevice(model, oracle.weights());
          const bag = oracle.bag(oracleCase);
          const { logits, attention } = inferOracle(model, weights, bag);
          assertClose(logits, oracle.floats(`${caseName}/out/logits`), 'logits');
          assertClose(attention, new Array<number>(bag.rows).fill(1 / bag.rows), 'attention');
          checkTraining(model, oracle, caseName);
          const adam = openAdam(model.parameters, startingState(oracle.weights()), ADAMW);
          for (const expected of oracleCase.adamw_loss_steps?.slice(0, 3) ?? []) {
            const loss = trainStep(model, adam, bag, stepContext(oracleCase.label), LEARNING_RATE);
            assertClose([loss], [expected], 'loss of a step of AdamW');
          }
          checkWeights(adam.state(), oracle, caseName, 'adamw3');
          adam.dispose();
          tf.dispose([weights, bag.x]);
        });
      }
    }

    test('the linear model gives the same logits for a bag as for its mean, the mean of those of its instances', () => {
      const model = buildLinear(oracleConfig('mean-linear'));
      const weights = {
        'cls.w': tf.randomNormal([2, 32], 0, 1, 'float32', 1),
        'cls.b': tf.tensor1d([0.5, -1]),
      };
      const oracle = new Oracle('simlp_relu', 'mil-2');
      const bag = oracle.bag(oracle.cases.N37);
      const { whole, single } = tf.tidy(() => {
        const { logits, instanceLogits } = model.infer(weights, bag);
        return { whole: logits, single: tf.mean(instanceLogits, 0) };
      });
      assertClose(whole.dataSync(), [...single.dataSync()], 'logits');
      tf.dispose([weights, bag.x, whole, single]);
    });
  });
}

test('the models have as many weights as published', () => {
  const sizes = { dim: 1024, embedDim: 512 };
  checkCount(buildSimlp({ ...oracleConfig('simlp', { hiddenActivation: 'relu' }), ...sizes }), 525_826);
  checkCount(buildLinear({ ...oracleConfig('mean-linear'), ...sizes }), 2050);
});
