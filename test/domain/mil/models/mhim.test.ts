import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { baselineAggregator, baselineModel, type Baseline } from '../../../../domain/mil/models/baselines.js';
import { cosineDecay, cosineRise, extremes, keptRows } from '../../../../domain/mil/models/hard-masks.js';
import { studentLoss, teacherView } from '../../../../domain/mil/models/mhim.js';
import type { Model } from '../../../../domain/mil/models/model.js';
import type { Weights } from '../../../../domain/mil/compute/parameters.js';
import { Teacher } from '../../../../domain/mil/train-fold/teacher.js';
import { fixture } from '../../../support/fixtures.js';
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

const settings = { consistency: 0.5, temperature: 0.1 };
const config = oracleConfig('mhim-mil');

describe('MHIM-MIL equals PyTorch', () => {
  before(() => openBackend('tensorflow'));

  for (const [file, baseline] of [
    ['mhim_attn', 'abmil'],
    ['mhim_dsmil', 'dsmil'],
    ['mhim_selfattn', 'transmil'],
  ] as [string, Baseline][]) {
    const oracle = new Oracle(file);
    for (const [name, oracleCase] of Object.entries(oracle.cases)) {
      test(`${file} ${name}`, () => {
        const aggregator = baselineAggregator(config, baseline);
        const keep = [...oracle.ids(oracleCase.inputs.keep)];
        const model: Model = {
          ...baselineModel(config, aggregator),
          loss(weights, bag, context) {
            const { features } = teacherView(aggregator, bag, config, context);
            return studentLoss(
              weights,
              bag,
              config,
              { aggregator, settings, keep, target: features },
              context,
            );
          },
        };
        checkCount(model, oracle.parameterCount);
        const teacher = new Teacher(model.parameters, oracle.weights('teacher'));
        const context = (parts: Record<string, number> = {}) => ({
          ...stepContext(oracleCase.label, parts),
          teacher: teacher.weights,
        });
        const bag = oracle.bag(oracleCase);
        const weights = toDevice(model, oracle.weights());
        const { ranking, features } = teacherView(aggregator, bag, config, context());
        const seen = oracle.floats(`${name}/out/attention_teacher`);
        assertClose(
          ranking.flatMap((row) => [...row]),
          seen,
          'what the teacher ranks by',
          5e-5,
        );
        assertClose(features.dataSync(), oracle.floats(`${name}/out/f_teacher`), 'f of the teacher', 5e-5);
        const { logits } = inferOracle(model, weights, bag);
        assertClose(logits, oracle.floats(`${name}/out/test_logits`), 'logits of the whole bag', 5e-5);
        tf.dispose([weights, bag.x]);

        const follow = (student: Weights) => teacher.follow(student, 0.99);
        const parts = checkTraining(model, oracle, name, context, follow);
        assertClose([parts.consistency], [oracleCase.scalars.loss_con], 'consistency', 5e-5);
        assertClose([parts.classification], [oracleCase.scalars.loss_ce], 'classification', 5e-5);
        for (const [parameter, values] of Object.entries(teacher.state())) {
          const { index, value } = oracle.entries(name, 'teacher3', parameter);
          const after = index.map((at) => values[at]);
          assertClose(after, value, `${parameter} of the teacher after 3 steps`, 2e-5);
        }
        teacher.dispose();
      });
    }
  }
});

interface MaskOracle {
  cases: {
    attention: number[];
    m_r: number;
    m_l: number;
    m_h: number;
    hr: number;
    parts: Partial<Record<'random' | 'high', { perm: number[] }>>;
    keep: number[];
  }[];
  votes: {
    k: number;
    largest: boolean;
    attention: number[][];
    must_include: number[];
    may_include: number[];
  }[];
  mrh_cosine: { m_h: number; total_iters: number; values: number[] };
  mm_cosine: { mm: number; total_iters: number; values: number[] };
}

describe('masks of MHIM-MIL', () => {
  const oracle = JSON.parse(readFileSync(fixture('oracles/mil/mhim_masks.json'), 'utf8')) as MaskOracle;

  test('the same rows are kept as in the published code, given its permutations', () => {
    for (const { attention, m_r, m_l, m_h, hr, parts, keep } of oracle.cases) {
      const shares = { random: m_r, low: m_l, high: m_h, highPool: hr };
      const kept = keptRows([attention], shares, (n, part) => {
        const perm = parts[part]?.perm ?? Array.from({ length: n }, (_, i) => i);
        assert.equal(perm.length, n, `candidates of the ${part} mask`);
        return perm;
      });
      assert.deepEqual(kept, keep);
    }
  });

  test('heads vote', () => {
    for (const { k, largest, attention, must_include, may_include } of oracle.votes) {
      const chosen = new Set(extremes(attention, k, largest ? 'highest' : 'lowest'));
      assert.equal(chosen.size, k);
      assert.ok(must_include.every((row) => chosen.has(row)));
      assert.ok([...chosen].every((row) => must_include.includes(row) || may_include.includes(row)));
    }
  });

  test('schedules', () => {
    const { mrh_cosine: fall, mm_cosine: rise } = oracle;
    fall.values.forEach((value, step) =>
      assertClose([cosineDecay(fall.m_h, step, fall.total_iters)], [value], 'mask-high', 1e-12),
    );
    rise.values.forEach((value, step) =>
      assert.ok(Math.abs(cosineRise(rise.mm, step, rise.total_iters) - value) < 1e-12),
    );
  });

  test('at least one row is kept', () => {
    const all = { random: 1, low: 1, high: 1, highPool: 1 };
    const straight = (n: number) => Array.from({ length: n }, (_, i) => i);
    assert.deepEqual(keptRows([[0.1, 0.7, 0.2]], all, straight), [1]);
    assert.deepEqual(keptRows([[1]], { random: 0.5, low: 0, high: 0.01, highPool: 0.5 }, straight), [0]);
  });
});
