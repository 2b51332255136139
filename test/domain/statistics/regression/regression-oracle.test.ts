import { test } from 'node:test';
import { regressionMetrics } from '../../../../domain/statistics/regression/regression-metrics.js';
import { endpointOracle, near, nearP } from '../../../support/endpoints.js';

type Name = 'mae' | 'mse' | 'rmse' | 'r2' | 'pearson' | 'pearson_p' | 'spearman' | 'spearman_p';
type Case = { name: string; target: number[]; prediction: number[] } & Record<Name, number | null>;

const { metrics } = endpointOracle('regression') as { metrics: Case[] };

for (const expected of metrics) {
  test(`regression scores equal scikit-learn and scipy: ${expected.name}`, () => {
    const actual = regressionMetrics(expected.prediction, expected.target);
    for (const name of ['mae', 'mse', 'rmse', 'r2'] as const) near(actual[name], expected[name], name);
    for (const name of ['pearson', 'spearman'] as const) {
      const { r, p } = actual[name];
      near(r, expected[name], name);
      // The p value of a perfect correlation is rounding noise.
      const perfect = r.value !== null && 1 - Math.abs(r.value) < 1e-9;
      if (!perfect || p.value === null) nearP(p, expected[`${name}_p`], `p of ${name}`);
    }
  });
}
