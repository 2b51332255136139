import { before, describe, test } from 'node:test';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { build } from '../../../../domain/mil/models/dsmil.js';
import type { DsmilOptions } from '../../../../domain/mil/models/model-options.js';
import type { Model } from '../../../../domain/mil/models/model.js';
import { buildMax, buildMean } from '../../../../domain/mil/models/pooling.js';
import {
  assertClose,
  checkCount,
  checkTraining,
  inferOracle,
  Oracle,
  oracleConfig,
  toDevice,
} from '../oracle.js';

const benchmark: DsmilOptions = { query: 'linear', value: 'identity', embedding: 'linear', bagLoss: 'ce' };
const baseline: DsmilOptions = { ...benchmark, query: 'tanh', value: 'relu' };
const original: DsmilOptions = { query: 'tanh', value: 'identity', embedding: 'none', bagLoss: 'bce' };
const variants: [string, (name: string) => Model][] = [
  ['meanmil', (name) => buildMean(oracleConfig(name))],
  ['maxmil', (name) => buildMax(oracleConfig(name))],
  ['dsmil_benchmark', (name) => build(oracleConfig(name, benchmark))],
  ['dsmil_baseline_qtanh_vrelu', (name) => build(oracleConfig(name, baseline))],
  ['dsmil_original', (name) => build(oracleConfig(name, original))],
];

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`pooling models and DSMIL on ${backend} equal PyTorch`, () => {
    before(() => openBackend(backend));

    for (const [name, buildVariant] of variants) {
      const oracle = new Oracle(name);
      for (const [caseName, oracleCase] of Object.entries(oracle.cases)) {
        test(`${name} ${caseName}`, () => {
          const model = buildVariant(name);
          checkCount(model, oracle.parameterCount);
          const weights = toDevice(model, oracle.weights());
          const bag = oracle.bag(oracleCase);
          const { logits, attention } = inferOracle(model, weights, bag);
          const instances = tf.tidy(() => model.infer(weights, bag).instanceLogits);
          assertClose(logits, oracle.floats(`${caseName}/out/logits`), 'logits');
          assertClose(instances.dataSync(), oracle.floats(`${caseName}/out/inst`), 'instance logits');
          if (oracle.has(`${caseName}/out/attention`)) {
            const ofLast = oracle.floats(`${caseName}/out/attention`).filter((_, i) => i % 2 === 1);
            assertClose(attention, ofLast, 'attention of the positive class');
          }
          tf.dispose([weights, bag.x, instances]);
          checkTraining(model, oracle, caseName);
        });
      }
    }
  });
}

test('parameter counts equal the published modules', () => {
  const config = <Options>(dim: number, options: Options) => ({
    ...oracleConfig('x', options),
    dim,
    embedDim: 512,
    attentionDim: 128,
  });
  for (const build of [buildMean, buildMax]) {
    checkCount(build(config(1024, {})), 525_826);
    checkCount(build(config(512, {})), 263_682);
  }
  checkCount(build(config(1024, benchmark)), 593_540);
  checkCount(build(config(512, benchmark)), 331_396);
  // The published baseline also counts an unused 512 -> 2 predictor (1,026 parameters).
  checkCount(build(config(1024, baseline)), 873_734 - 1026);
  checkCount(build(config(512, baseline)), 611_590 - 1026);
});
