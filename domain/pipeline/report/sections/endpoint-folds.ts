import type { RegressionFold, SurvivalFold } from '../data/endpoint-results.js';
import { compact, count, shortDigest } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { scrolling } from './scrolling.js';
import type { ScoreColumn } from './score-table.js';

/** Longer tables are folded. */
const MOST_ROWS = 30;

type Fold = SurvivalFold | RegressionFold;

/** One row per fold, with its scores and the file they come from. */
export function endpointFolds<Metric extends string>(
  groups: readonly string[],
  folds: readonly Fold[],
  columns: readonly ScoreColumn<Metric>[],
  anchor: (row: number) => string,
): Markup {
  const survival = folds.some(({ metrics }) => metrics.endpoint === 'survival');
  return html`<details${folds.length <= MOST_ROWS && html` open`}>
    <summary>${count(folds.length, 'evaluated fold')}</summary>
    <div ${scrolling('Folds')}>
      <table class="sortable rows">
        <caption>
          <span
            >In small print: 95% interval by bootstrap, or why there is no number. The digest identifies the predictions
            file that a row was computed from.</span
          >
        </caption>
        <thead>
          <tr>
            <th scope="col" class="text">Cell</th>
            <th scope="col">Repeat</th>
            <th scope="col">Fold</th>
            <th scope="col">Seed</th>
            <th scope="col">Scored</th>
            ${columns.map(([, title]) => html`<th scope="col">${title}</th>`)}
            ${survival && html`<th scope="col">Threshold</th>`}
            <th scope="col">Epoch</th>
            <th scope="col" class="text">Predictions</th>
          </tr>
        </thead>
        ${groups.map(
          (group, i) =>
            html`<tbody id="${anchor(i)}">
              ${folds.filter((fold) => fold.group === group).map((fold) => foldRow(fold, columns, survival))}
            </tbody>`,
        )}
      </table>
    </div>
  </details>`;
}

function foldRow<Metric extends string>(
  { metrics, files: { predictions } }: Fold,
  columns: readonly ScoreColumn<Metric>[],
  survival: boolean,
): Markup {
  const { epoch, by } = metrics.selection;
  return html`<tr>
    <th scope="row" class="text name">${metrics.cell}</th>
    <td>${metrics.repeat}</td>
    <td>${metrics.fold}</td>
    <td>${metrics.seed}</td>
    <td data-value="${metrics.slides}">
      ${count(metrics.slides, metrics.level)}${
        metrics.endpoint === 'survival' && html`<small>${count(metrics.events, 'event')}</small>`
      }
    </td>
    ${columns.map(([metric]) => scoreCell(metrics, metric))}${survival && thresholdCell(metrics)}
    <td class="narrow">${epoch ?? '–'}<small>${by}</small></td>
    <td class="text">
      <code title="${predictions.path} ${predictions.digest}">${shortDigest(predictions.digest)}</code>
    </td>
  </tr>`;
}

function scoreCell(metrics: Fold['metrics'], metric: string): Markup {
  const scores: Partial<Record<string, number | null>> = metrics.scores;
  const reasons: Partial<Record<string, string>> = metrics.undefined;
  const intervals: Partial<Record<string, { low: number; high: number }>> = metrics.intervals;
  const value = scores[metric] ?? null;
  if (value === null) {
    return html`<td class="narrow" data-value="-1e9">undefined<small>${reasons[metric]}</small></td>`;
  }
  const interval = intervals[metric];
  const known = interval !== undefined && interval.low !== interval.high;
  return html`<td data-value="${value}">
    ${compact(value)}<small
      >${known ? `${compact(interval.low)} to ${compact(interval.high)}` : 'no interval'}</small
    >
  </td>`;
}

function thresholdCell(metrics: Fold['metrics']): Markup {
  if (metrics.endpoint !== 'survival' || metrics.risk_groups === null) return html`<td>–</td>`;
  const { threshold, high, low } = metrics.risk_groups;
  return html`<td data-value="${threshold}">
    ${compact(threshold)}<small>${high.patients} high, ${low.patients} low</small>
  </td>`;
}
