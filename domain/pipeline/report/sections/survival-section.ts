import type { SurvivalMetric } from '../../../mil/evaluate/endpoint-metrics.js';
import type { RiskCurves, SurvivalResults } from '../data/endpoint-results.js';
import { count, probability } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { aucTimeFigure } from '../figures/auc-time-figure.js';
import { seriesKey } from '../figures/series.js';
import { RISK_SIDES, survivalFigure } from '../figures/survival-figure.js';
import { endpointFolds } from './endpoint-folds.js';
import { scoreTable, type ScoreColumn } from './score-table.js';
import { testTable } from './test-table.js';

const COLUMNS: readonly ScoreColumn<SurvivalMetric>[] = [
  ['concordance', 'Concordance (Harrell)'],
  ['concordance_uno', 'Concordance (Uno)'],
  ['mean_auc', 'Mean AUC over time'],
  ['integrated_brier', 'Integrated Brier'],
];

/** More curves in one frame would hide each other. */
const MOST_LINES = 12;

const anchor = (row: number) => `survival-folds-${row + 1}`;

/** Table of models, tests, survival of high and low risk, AUC over time, and folds. */
export function survivalSection(results: SurvivalResults): Markup {
  const { rows, folds, tests } = results;
  const [{ metrics }] = folds;
  return html`<section id="survival" aria-labelledby="survival-h">
    <h2 id="survival-h">Survival</h2>
    <p class="lead">
      Concordance and AUC: 1 is perfect, 0.5 is chance. Integrated Brier score: 0 is perfect; predicting 1/2
      for everybody gives 0.25. folds: mean ± standard deviation (ddof 0) over the folds.
      ${rows.some(({ repeats }) => repeats > 1) && 'repeats: the same over the means of the repeats.'}
      ${POOLED}
    </p>
    ${scoreTable(rows, COLUMNS, { unit: metrics.level, anchor, label: 'Survival' })}
    ${testTable(tests, rows.length, { metric: 'concordance', better: 'higher is better' })}
    ${curvePanels(results)}${aucPanel(results)}
    <h3>Folds</h3>
    ${endpointFolds(
      rows.map(({ group }) => group),
      folds,
      COLUMNS,
      anchor,
    )}
  </section>`;
}

const POOLED =
  'pooled: the test patients of all folds of a repeat are ranked together, each by how far its risk lies above or below the risks of the training patients of its fold; mean over the repeats, with a 95% interval (bootstrap of patients, drawn within those with and without the event). The Brier score needs predicted survival curves, which cannot be pooled.';

function curvePanels({ curves, folds, rows }: SurvivalResults): Markup {
  const [{ metrics }] = folds;
  if (curves.length === 0) {
    const why = folds.flatMap((fold) => fold.metrics.undefined.risk_groups ?? [])[0];
    return html`<h3>High and low risk</h3>
      <p class="empty">No threshold separates high from low risk${why && `: ${why}`}.</p>`;
  }
  const latest = latestTime(curves);
  const several = rows.some(({ repeats }) => repeats > 1);
  return html`<h3>High and low risk</h3>
    <p class="lead">
      Kaplan-Meier curves of the test patients of all folds, with bands of 95% (log-log). Short vertical
      lines: patients censored then. ${thresholdText(folds)}
      ${several && 'A patient counts once: in the group of most repeats, in the low one if they are equally many.'}
      The p value is that of the log-rank test.
    </p>
    <div class="panels wide">
      ${curves.map(
        (one) =>
          html`<figure class="chart broad">
            ${survivalFigure(one, metrics.time, latest)}
            <figcaption>
              <strong>${one.group}</strong>,
              ${one.logRank === null ? `no log-rank test: ${one.why}` : `log-rank p ${probability(one.logRank.p)}`}<br />
              ${RISK_SIDES.map((side) => sideText(one, side))}
            </figcaption>
          </figure>`,
      )}
    </div>`;
}

/** Names where the threshold comes from: the training patients, never those who are scored. */
function thresholdText(folds: SurvivalResults['folds']): string {
  const sources = new Set(folds.flatMap(({ metrics }) => metrics.risk_groups?.threshold_from ?? []));
  const external = folds.some(({ metrics }) => metrics.set === 'external');
  const own = external
    ? 'No patient of this cohort influenced it.'
    : 'Each fold has its own threshold, from its training patients only; test patients never influence it.';
  return `High risk: above the threshold (${[...sources].join('; ')}). ${own}`;
}

function sideText(
  { high, low, medians }: RiskCurves,
  { side, label, series }: (typeof RISK_SIDES)[number],
): Markup {
  const rows = side === 'high' ? high : low;
  const events = rows.reduce((sum, row) => sum + row.events, 0);
  const patients = rows[0]?.atRisk ?? 0;
  const median = medians[side];
  const survived = median === null ? 'median not reached' : `median ${Number(median.toPrecision(4))}`;
  return html`<span class="legend"
      >${seriesKey(series)}${label} risk: ${count(patients, 'patient')},
      ${count(events, 'event')}${patients > 0 && `, ${survived}`}</span
    ><br />`;
}

function aucPanel({ aucCurves, folds }: SurvivalResults): Markup | '' {
  const [{ metrics }] = folds;
  const order = [...new Set(folds.map(({ group }) => group))];
  const drawn = aucCurves
    .map((curve) => ({ ...curve, series: order.indexOf(curve.group) }))
    .filter(({ points }) => points.some(({ auc }) => auc !== null));
  if (drawn.length === 0 || drawn.length > MOST_LINES) return '';
  const times = drawn.flatMap(({ points }) => points.map(({ time }) => time));
  const latest = 1.04 * Math.max(...times);
  return html`<h3>AUC over time</h3>
    <p class="lead">
      At each time, the probability that a patient with the event by then has a higher risk than a patient
      without it, on the pooled predictions, at the deciles of the event times. Dashed: chance. Censoring is
      weighted by its frequency among the same patients.
    </p>
    <div class="panels wide">
      <figure class="chart broad">
        ${aucTimeFigure(drawn, metrics.time, latest)}
        <figcaption>
          ${drawn.map(({ group, series }) => html`<span class="legend">${seriesKey(series)}${group}</span> `)}
        </figcaption>
      </figure>
    </div>`;
}

function latestTime(curves: readonly RiskCurves[]): number {
  return Math.max(0, ...curves.flatMap(({ high, low }) => [...high, ...low].map(({ time }) => time)));
}
