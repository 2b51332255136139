import { extent } from 'd3-array';
import type { RegressionMetric } from '../../../mil/evaluate/endpoint-metrics.js';
import type { RegressionResults } from '../data/endpoint-results.js';
import { count } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { niceRange } from '../figures/axis.js';
import { scatterFigure } from '../figures/scatter-figure.js';
import { seriesKey } from '../figures/series.js';
import { endpointFolds } from './endpoint-folds.js';
import { scoreTable, type ScoreColumn } from './score-table.js';
import { testTable } from './test-table.js';

const COLUMNS: readonly ScoreColumn<RegressionMetric>[] = [
  ['mae', 'MAE'],
  ['rmse', 'RMSE'],
  ['r2', 'R²'],
  ['pearson', 'Pearson'],
  ['spearman', 'Spearman'],
];

const anchor = (row: number) => `regression-folds-${row + 1}`;

/** Table of models, tests, predicted against true values, and folds. */
export function regressionSection({ rows, folds, tests, scatters }: RegressionResults): Markup {
  const [{ metrics }] = folds;
  const several = rows.some(({ repeats }) => repeats > 1);
  return html`<section id="regression" aria-labelledby="regression-h">
    <h2 id="regression-h">Regression</h2>
    <p class="lead">
      MAE (mean absolute error) and RMSE (root of the mean squared error) have the unit of ${metrics.value}; 0
      is best. R² is 1 for perfect predictions, 0 for predicting the mean of the scored values, and negative
      if the predictions are worse than that. folds: mean ± standard deviation (ddof 0) over the folds.
      ${several && 'repeats: the same over the means of the repeats.'} pooled: the test predictions of all
      folds of a repeat at once, mean over the repeats, with a 95% interval (bootstrap of patients).
    </p>
    ${scoreTable(rows, COLUMNS, { unit: metrics.level, anchor, label: 'Regression' })}
    ${testTable(tests, rows.length, { metric: 'RMSE', better: 'lower is better' })}
    ${scatters.length > 0 && panels(scatters, metrics.value, several)}
    <h3>Folds</h3>
    ${endpointFolds(
      rows.map(({ group }) => group),
      folds,
      COLUMNS,
      anchor,
    )}
  </section>`;
}

function panels(scatters: RegressionResults['scatters'], value: string, several: boolean): Markup {
  const values = scatters.flatMap(({ points }) =>
    points.flatMap(({ label, predicted }) => [label, predicted]),
  );
  const [low = 0, high = 1] = extent(values);
  const range = niceRange([low, high], 1e-6);
  return html`<h3>Predicted and true values</h3>
    <p class="lead">
      Each mark is a test slide or patient${several && ', with the mean prediction of the repeats'}. Dashed:
      predicted = true. All charts have the same scale.
    </p>
    <div class="panels">
      ${scatters.map(
        (scatter, series) =>
          html`<figure class="chart">
            ${scatterFigure(scatter, series, value, range)}
            <figcaption>
              ${seriesKey(series)}<strong>${scatter.group}</strong>,
              ${count(scatter.points.length, 'prediction')}
            </figcaption>
          </figure>`,
      )}
    </div>`;
}
