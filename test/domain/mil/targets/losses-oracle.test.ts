import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coxLoss } from '../../../../domain/mil/targets/cox-loss.js';
import type { Gradient } from '../../../../domain/mil/targets/gradient.js';
import { curveFromLogits, hazardLoss, hazardsOf } from '../../../../domain/mil/targets/hazard-loss.js';
import { regressionLoss, type RegressionLoss } from '../../../../domain/mil/targets/regression-loss.js';
import { riskOfCurve } from '../../../../domain/statistics/survival/hazard-curve.js';
import { endpointOracle, near, nearAll } from '../../../support/endpoints.js';

interface Losses {
  nll_cases: {
    name: string;
    logits: number[][];
    bin: number[];
    censored: number[];
    alpha: number;
    eps: number;
    hazards: number[][];
    survival: number[][];
    loss_per_bag: number[];
    loss: number;
    grad_of_loss_by_logits: number[][];
    risk: number[];
  }[];
  cox_cases: {
    name: string;
    logits: number[];
    times: number[];
    events: number[];
    efron: { mean_over_events: number; grad_of_mean_by_logits: number[] };
    breslow: { mean_over_events: number; grad_of_mean_by_logits: number[] };
  }[];
}

interface Regression {
  losses: {
    name: string;
    prediction: number[];
    target: number[];
    delta: number;
    mse: { loss: number; grad: number[] };
    huber: { loss: number; grad: number[] };
    smooth_l1_beta_delta: { loss: number; grad: number[] };
    l1: { loss: number; grad: number[] };
  }[];
}

/** From logits in double precision, and from logits rounded to float32 with a float32 gradient. */
const PRECISIONS = [
  { name: 'float64', array: Float64Array, loss: { absolute: 1e-9 }, gradient: { absolute: 1e-9 } },
  {
    name: 'float32',
    array: Float32Array,
    loss: { absolute: 1e-5, relative: 1e-4 },
    gradient: { absolute: 1e-6, relative: 1e-4 },
  },
];

const losses = endpointOracle('survival-losses') as Losses;
const regression = endpointOracle('regression') as Regression;

for (const { name: precision, array, ...tolerance } of PRECISIONS) {
  const check = (
    values: readonly number[],
    of: (values: Gradient, gradient: Gradient) => number,
    expected: { loss: number; gradient: readonly number[] },
  ) => {
    const gradient = new array(values.length).fill(7);
    near(of(array.from(values), gradient), expected.loss, 'loss', tolerance.loss);
    nearAll(gradient, expected.gradient, 'gradient', tolerance.gradient);
  };

  for (const expected of losses.nll_cases) {
    test(`the hazard likelihood equals PyTorch in ${precision}: ${expected.name}`, () => {
      const { bin: bins, censored, alpha } = expected;
      check(expected.logits.flat(), (z, g) => hazardLoss(z, { bins, censored }, alpha, g), {
        loss: expected.loss,
        gradient: expected.grad_of_loss_by_logits.flat(),
      });
      for (const [bag, row] of expected.logits.entries()) {
        const single = array.from(row);
        const curve = curveFromLogits(single);
        nearAll(hazardsOf(single), expected.hazards[bag], 'hazards', tolerance.loss);
        nearAll(curve, expected.survival[bag], 'survival', tolerance.loss);
        near(riskOfCurve(curve), expected.risk[bag], 'risk', tolerance.loss);
        const target = { bins: [bins[bag]], censored: [censored[bag]] };
        const loss = hazardLoss(single, target, alpha, new array(row.length));
        near(loss, expected.loss_per_bag[bag], 'loss of the bag', tolerance.loss);
      }
    });
  }

  for (const expected of losses.cox_cases) {
    for (const ties of ['efron', 'breslow'] as const) {
      test(`Cox' ${ties} likelihood equals PyTorch in ${precision}: ${expected.name}`, () => {
        check(expected.logits, (z, g) => coxLoss(z, expected, ties, g), {
          loss: expected[ties].mean_over_events,
          gradient: expected[ties].grad_of_mean_by_logits,
        });
      });
    }
  }

  for (const expected of regression.losses) {
    test(`regression losses equal PyTorch in ${precision}: ${expected.name}`, () => {
      const { prediction, target, delta } = expected;
      const forms: [RegressionLoss, { loss: number; grad: number[] }][] = [
        [{ name: 'mse' }, expected.mse],
        [{ name: 'l1' }, expected.l1],
        [{ name: 'huber', delta }, expected.huber],
        [{ name: 'smooth-l1', beta: delta }, expected.smooth_l1_beta_delta],
      ];
      for (const [form, { loss, grad }] of forms) {
        check(prediction, (p, g) => regressionLoss(p, target, form, g), { loss, gradient: grad });
      }
    });
  }
}

test('the clamp of the hazard likelihood cuts the gradient of a saturated bag', () => {
  const gradient = new Float64Array(2);
  // S_0 is below 1e-7, h_1 is not.
  const loss = hazardLoss([20, 0], { bins: [1], censored: [0] }, 0, gradient);
  near(loss, -Math.log(1e-7) + Math.log(2), 'loss');
  assert.deepEqual([...gradient], [0, -0.5]);
});
