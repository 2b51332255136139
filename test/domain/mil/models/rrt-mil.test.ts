import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { parameterCount } from '../../../../domain/mil/compute/parameters.js';
import { embedBag } from '../../../../domain/mil/models/abmil.js';
import type { RrtMilOptions } from '../../../../domain/mil/models/model-options.js';
import { build, reembed } from '../../../../domain/mil/models/rrt-mil.js';
import {
  assertClose,
  checkCount,
  checkTraining,
  inferOracle,
  Oracle,
  oracleConfig,
  toDevice,
} from '../oracle.js';
import { rrtOptions } from './rrt-options.js';

/** As for TransMIL. */
const TOLERANCE = 5e-5;

const CONFIGURATIONS: [string, Partial<RrtMilOptions>][] = [
  ['rrtmil_nsclc_r50', { epegK: 21, crmsaK: 5 }],
  ['rrtmil_nsclc_plip', { epegK: 13, crmsaHeads: 1, crmsaMlp: true, allShortcut: true }],
];

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`RRT-MIL on ${backend} equals PyTorch`, () => {
    before(() => openBackend(backend));

    for (const [name, given] of CONFIGURATIONS) {
      const oracle = new Oracle(name, 'mil-2');
      for (const [caseName, oracleCase] of Object.entries(oracle.cases)) {
        test(`${name} ${caseName}`, () => {
          const options = rrtOptions({ ...given, regionNum: oracleCase.region_num ?? 8 });
          const config = oracleConfig('rrt-mil', options);
          const model = build(config);
          checkCount(model, oracle.parameterCount);
          const weights = toDevice(model, oracle.weights());
          const bag = oracle.bag(oracleCase);
          const { logits, attention } = inferOracle(model, weights, bag);
          assertClose(logits, oracle.floats(`${caseName}/out/logits`), 'logits', TOLERANCE);
          assertClose(attention, oracle.floats(`${caseName}/out/attention`), 'attention', TOLERANCE);
          if (oracle.has(`${caseName}/out/after_crmsa`)) {
            const { within, between } = tf.tidy(() =>
              reembed(weights, embedBag(weights, bag, config), config),
            );
            assertClose(within.dataSync(), oracle.floats(`${caseName}/out/after_rmsa`), 'within', TOLERANCE);
            assertClose(
              between.dataSync(),
              oracle.floats(`${caseName}/out/after_crmsa`),
              'between',
              TOLERANCE,
            );
            tf.dispose([within, between]);
          }
          tf.dispose([weights, bag.x]);
          checkTraining(model, oracle, caseName);
        });
      }
    }
  });
}

const PUBLISHED: [number, Partial<RrtMilOptions>, number][] = [
  [1024, { epegK: 15, crmsaK: 1, allShortcut: true }, 2_696_450],
  [512, { epegK: 9, allShortcut: true }, 2_435_282],
  [1024, { epegK: 21, crmsaK: 5 }, 2_698_546],
  [512, { epegK: 13, crmsaHeads: 1, crmsaMlp: true, allShortcut: true }, 2_499_698],
  [1024, { epegK: 17, crmsaHeads: 1 }, 2_697_490],
  [512, { epegK: 15, crmsaK: 1, allShortcut: true }, 2_434_306],
];

test('the published configurations have as many weights as the published modules', () => {
  for (const [dim, given, expected] of PUBLISHED) {
    const sizes = { dim, embedDim: 512, attentionDim: 128 };
    const model = build({ ...oracleConfig('rrt-mil', rrtOptions(given)), ...sizes });
    assert.equal(parameterCount(model.parameters), expected);
  }
});

test('sizes that the heads or the kernel cannot divide are refused', () => {
  const refused = (sizes: { embedDim?: number }, given: Partial<RrtMilOptions>, message: RegExp) =>
    assert.throws(() => build({ ...oracleConfig('rrt-mil', rrtOptions(given)), ...sizes }), {
      code: 'InvalidInput',
      message,
    });
  refused({}, { epegK: 4 }, /`epeg-k` that is odd, or 0.* found 4/);
  refused({ embedDim: 60 }, {}, /multiple of 8.* found 60/);
  refused({}, { crmsaHeads: 3 }, /multiple of 3.* found 64/);
});
