import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { baselineAggregator, baselineModel } from '../../../../domain/mil/models/baselines.js';
import { build as buildClam } from '../../../../domain/mil/models/clam.js';
import { build as buildDsmil } from '../../../../domain/mil/models/dsmil.js';
import { build as buildDtfd, dtfdGradients } from '../../../../domain/mil/models/dtfd.js';
import { extremes, keptRows } from '../../../../domain/mil/models/hard-masks.js';
import { studentLoss, teacherView } from '../../../../domain/mil/models/mhim.js';
import type { DsmilOptions, DtfdOptions } from '../../../../domain/mil/models/model-options.js';
import type { Model } from '../../../../domain/mil/models/model.js';
import { buildMax } from '../../../../domain/mil/models/pooling.js';
import { nearEqualRuns } from '../../../../domain/mil/models/pseudo-bags.js';
import { build as buildRrtMil } from '../../../../domain/mil/models/rrt-mil.js';
import { build as buildTransmil } from '../../../../domain/mil/models/transmil.js';
import { fixture } from '../../../support/fixtures.js';
import {
  assertClose,
  checkSlopes,
  inferOracle,
  Oracle,
  oracleConfig,
  stepContext,
  toDevice,
} from '../oracle.js';
import { rrtOptions } from './rrt-options.js';

const benchmark: DsmilOptions = { query: 'linear', value: 'identity', embedding: 'linear', bagLoss: 'ce' };
const baseline: DsmilOptions = { ...benchmark, query: 'tanh', value: 'relu' };
const clam = { instLoss: 'svm', subtyping: false, kSample: 8, bagWeight: 0.7 } as const;
const selfAttention = oracleConfig('transmil');

const MODELS: [string, Model][] = [
  ...['identical', 'distinct'].flatMap((tied): [string, Model][] => [
    [`ties_maxmil_${tied}`, buildMax(oracleConfig('max'))],
    [`ties_dsmil_benchmark_${tied}`, buildDsmil(oracleConfig('dsmil', benchmark))],
    [`ties_dsmil_baseline_qtanh_vrelu_${tied}`, buildDsmil(oracleConfig('dsmil', baseline))],
  ]),
  ['ties_clam_sb', buildClam({ ...oracleConfig('clam-sb', clam), attentionDim: 32 })],
  ['ties_transmil_benchmark', buildTransmil(oracleConfig('transmil'))],
  ['ties_transmil_selfattn', baselineModel(selfAttention, baselineAggregator(selfAttention, 'transmil'))],
  ['ties_rrtmil', buildRrtMil(oracleConfig('rrt-mil', rrtOptions({ epegK: 0, allShortcut: true })))],
];

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`on ${backend}, models follow PyTorch where maxima and selections are tied`, () => {
    before(() => openBackend(backend));

    for (const [name, model] of MODELS) {
      const oracle = new Oracle(name, 'mil-2');
      for (const [caseName, oracleCase] of Object.entries(oracle.cases)) {
        test(`${name} ${caseName}`, () => {
          const weights = toDevice(model, oracle.weights());
          const bag = oracle.bag(oracleCase);
          const { logits } = inferOracle(model, weights, bag);
          tf.dispose([weights, bag.x]);
          assertClose(logits, oracle.floats(`${caseName}/out/logits`), 'logits', 5e-5);
          checkSlopes(model, oracle, caseName);
        });
      }
    }

    const dtfd = new Oracle('ties_dtfd', 'mil-2');
    for (const [caseName, oracleCase] of Object.entries(dtfd.cases)) {
      test(`ties_dtfd ${caseName}`, () => {
        const distill = caseName.split('_')[1] as DtfdOptions['distill'];
        const settings: DtfdOptions = { numGroup: 4, distill, detach: true, clip: 1e9 };
        const config = oracleConfig('dtfd-mil', settings);
        const model = buildDtfd(config);
        const groups = nearEqualRuns(dtfd.ids(oracleCase.inputs.perm), 4);
        const grouped: Model = {
          ...model,
          gradients: (weights, bag, context) =>
            dtfdGradients(weights, bag, groups, config, context, model.parameters),
        };
        checkSlopes(grouped, dtfd, caseName);
      });
    }

    const mhim = new Oracle('ties_mhim_attn', 'mil-2');
    for (const [caseName, oracleCase] of Object.entries(mhim.cases)) {
      test(`ties_mhim_attn ${caseName}`, () => {
        const config = oracleConfig('mhim-mil');
        const aggregator = baselineAggregator(config, 'abmil');
        const { m_h = 0, m_l = 0, label } = oracleCase;
        const valid = ['keep', 'keep_other'].map((role) => [...mhim.ids(oracleCase.inputs[role])].join());
        const model: Model = {
          ...baselineModel(config, aggregator),
          loss(weights, bag, context) {
            const { ranking, features } = teacherView(aggregator, bag, config, context);
            const shares = { high: m_h, highPool: 1, low: m_l, random: 0 };
            const keep = keptRows(ranking, shares, (n) => Array.from({ length: n }, (_, i) => i));
            assert.ok(valid.includes(keep.join()), `kept ${keep.join()}`);
            const settings = { consistency: 0.5, temperature: 0.1 };
            const step = { aggregator, settings, keep, target: features };
            return studentLoss(weights, bag, config, step, context);
          },
        };
        const teacher = toDevice(model, mhim.weights('teacher'));
        checkSlopes(model, mhim, caseName, { ...stepContext(label), teacher });
        tf.dispose(teacher);
      });
    }
  });
}

interface TiedMasks {
  cases: {
    attention: number[];
    k: number;
    largest: boolean;
    must_include: number[];
    may_include: number[];
  }[];
}

test('of tied attentions, masks take any, but as many as asked for and none below them', () => {
  const path = fixture('oracles/mil-2/ties_mhim_masks.json');
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as TiedMasks;
  for (const { attention, k, largest, must_include, may_include } of cases) {
    const chosen = new Set(extremes([attention], k, largest ? 'highest' : 'lowest'));
    assert.equal(chosen.size, k);
    assert.ok(must_include.every((row) => chosen.has(row)));
    assert.ok([...chosen].every((row) => must_include.includes(row) || may_include.includes(row)));
  }
});
