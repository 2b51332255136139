import { before, describe, test } from 'node:test';
import { attentionModel, build, buildGated, type Scoring } from '../../../../domain/mil/models/abmil.js';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import {
  assertClose,
  checkCount,
  checkTraining,
  inferOracle,
  Oracle,
  oracleConfig,
  toDevice,
} from '../oracle.js';

const variants: [string, Scoring][] = [
  ['abmil', 'tanh'],
  ['attn_relu_nobias', 'relu'],
  ['gated_relu_nobias', 'gated'],
];

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`attention models on ${backend} equal PyTorch`, () => {
    before(() => openBackend(backend));

    for (const [name, scoring] of variants) {
      const oracle = new Oracle(name);
      for (const [caseName, oracleCase] of Object.entries(oracle.cases)) {
        test(`${name} ${caseName}`, () => {
          const model = attentionModel(oracleConfig(name), scoring);
          checkCount(model, oracle.parameterCount);
          const weights = toDevice(model, oracle.weights());
          const bag = oracle.bag(oracleCase);
          const { logits, attention } = inferOracle(model, weights, bag);
          tf.dispose([weights, bag.x]);
          assertClose(logits, oracle.floats(`${caseName}/out/logits`), 'logits');
          assertClose(attention, oracle.floats(`${caseName}/out/attention`), 'attention');
          checkTraining(model, oracle, caseName);
        });
      }
    }
  });
}

test('parameter counts equal the published modules', () => {
  const config = (dim: number) => ({
    ...oracleConfig('abmil', { scoring: 'tanh' as const }),
    dim,
    embedDim: 512,
    attentionDim: 128,
  });
  checkCount(build(config(1024)), 591_619);
  checkCount(build(config(512)), 329_475);
  checkCount(buildGated(config(1024)), 657_026);
  checkCount(buildGated(config(512)), 394_882);
  checkCount(attentionModel(config(1024), 'relu'), 591_490);
  checkCount(attentionModel(config(512), 'relu'), 329_346);
});
