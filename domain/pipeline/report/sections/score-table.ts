import type { ScoreRow } from '../data/endpoint-results.js';
import { compact, count } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import type { PooledMetric } from '../data/pooled-metric.js';
import type { MetricSummary, Spread } from '../data/summary.js';
import { seriesKey } from '../figures/series.js';
import { scrolling } from './scrolling.js';

export type ScoreColumn<Metric extends string> = readonly [metric: Metric, title: string];

/**
 * Table of models: each metric over the folds, over the means of the repeats if there are several, and of the
 * pooled predictions.
 * @param unit what one row of the predictions is
 * @param anchor id of the folds of a row
 */
export function scoreTable<Metric extends string>(
  rows: readonly ScoreRow<Metric>[],
  columns: readonly ScoreColumn<Metric>[],
  { unit, anchor, label }: { unit: string; anchor: (row: number) => string; label: string },
): Markup {
  return html`<div ${scrolling(label)}>
    <table class="sortable">
      <thead>
        <tr>
          <th scope="col" class="text">Model</th>
          <th scope="col" class="text plain">Over</th>
          ${columns.map(([, title]) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      ${rows.map((row, i) => modelRows(row, columns, { unit, index: i, anchor: anchor(i) }))}
    </table>
  </div>`;
}

function modelRows<Metric extends string>(
  row: ScoreRow<Metric>,
  columns: readonly ScoreColumn<Metric>[],
  { unit, index, anchor }: { unit: string; index: number; anchor: string },
): Markup {
  const { pooled, scores, repeats } = row;
  const several = repeats > 1;
  return html`<tbody>
    <tr>
      <th scope="rowgroup" rowspan="${several ? 3 : 2}" class="text name">
        ${seriesKey(index)}<a href="#${anchor}">${row.group}</a>
        <small>${count(repeats, 'repeat')}, ${count(row.folds, 'fold')}, ${sizeText(row, unit)}</small>
        ${row.optimistic && html`<small><span class="badge warn">epoch selected on the scored slides</span></small>`}
      </th>
      <th scope="row" class="text">folds</th>
      ${columns.map(([metric]) => spreadCell(scores[metric].folds, scores[metric]))}
    </tr>
    ${
      several &&
      html`<tr>
        <th scope="row" class="text">repeats</th>
        ${columns.map(([metric]) => spreadCell(scores[metric].repeats))}
      </tr>`
    }
    <tr>
      <th scope="row" class="text">pooled</th>
      ${
        pooled === null
          ? html`<td class="text wrap" colspan="${columns.length}">not pooled: ${row.unpooled}</td>`
          : columns.map(([metric]) => pooledCell(pooled[metric]))
      }
    </tr>
  </tbody>`;
}

function sizeText({ scored, patients }: { scored: number; patients: number }, unit: string): string {
  const rows = count(scored, `scored ${unit}`);
  return unit === 'patient' || patients === scored ? rows : `${rows} of ${count(patients, 'patient')}`;
}

function spreadCell(spread: Spread | null, summary?: MetricSummary): Markup {
  const gaps = summary?.folds && summary.folds.undefined > 0 ? summary.folds : null;
  return html`<td data-value="${spread?.mean ?? -1e9}">
    ${spread === null ? 'undefined' : html`${compact(spread.mean)} <span class="sd">± ${compact(spread.std)}</span>`}
    ${gaps && html`<small>${gaps.n} of ${gaps.n + gaps.undefined} folds</small>`}
  </td>`;
}

function pooledCell(pooled: PooledMetric | undefined): Markup {
  if (pooled === undefined || pooled.spread === null) {
    return html`<td class="narrow">–<small>${pooled?.why}</small></td>`;
  }
  const { spread, interval } = pooled;
  return html`<td class="narrow">
    ${compact(spread.mean)}<small
      >${interval === null ? 'no interval' : `${compact(interval.low)} to ${compact(interval.high)}`}</small
    >
  </td>`;
}
