import type { Interval } from '../../../mil/evaluate/evaluate-predictions.js';
import type { MetricsFile } from '../../../mil/evaluate/metrics-file.js';
import { count, percent, shortDigest } from '../data/format-number.js';
import { niceRange } from '../figures/axis.js';
import { html, type Markup } from '../data/html.js';
import type { FoldResult, ReportData } from '../data/report-data.js';
import { stripPlot } from '../figures/strip-plot.js';
import { scrolling } from './scrolling.js';

/** Longer tables are folded. */
const MOST_ROWS = 30;

/** One row per fold, with its metrics and the file they come from. */
export function foldSection(data: ReportData): Markup {
  const rows = data.rows.map(({ group }, i) => ({
    label: group,
    series: i,
    points: data.folds.flatMap(({ group: own, metrics }) =>
      own !== group || metrics.rank.auc === null
        ? []
        : [{ value: metrics.rank.auc, title: `${metrics.cell}: AUC ${percent(metrics.rank.auc)}` }],
    ),
  }));
  const values = rows.flatMap(({ points }) => points.map(({ value }) => value));
  const [from] = niceRange([...values, 1], 0.2);
  const axis = {
    from: Math.max(0, from),
    to: 1,
    ...(from <= 0.5 && { reference: 0.5 }),
    label: `AUC per fold (bar: median${from <= 0.5 ? ', dashed: chance' : ''})`,
  };
  return html`<section id="folds" aria-labelledby="folds-h">
    <h2 id="folds-h">Folds</h2>
    <figure class="chart-middle">${stripPlot('AUC per fold', rows, axis)}</figure>
    <details${data.folds.length <= MOST_ROWS && html` open`}>
      <summary>${count(data.folds.length, 'evaluated fold')}</summary>
      ${foldTable(data)}
    </details>
  </section>`;
}

/** Id of the rows of a group in the table of folds. */
export function foldsId(series: number): string {
  return `folds-${series + 1}`;
}

/** How the intervals are made, by whether folds have more than two classes. */
const INTERVALS = {
  none: 'Threshold metrics use the requested protocol. 95% confidence intervals: DeLong for the AUC, stratified bootstrap for the other metrics.',
  all: 'AUC and F1 are macro means over the classes. 95% confidence intervals: bootstrap of slides within each class.',
  some: 'Threshold metrics use the requested protocol; with more than two classes, AUC and F1 are macro means. 95% confidence intervals: DeLong for the AUC of two classes, otherwise bootstrap within each class.',
};

function foldTable({ rows, folds }: ReportData): Markup {
  const shared = findShared(folds);
  return html`<div ${scrolling('Folds')}>
    <table class="sortable rows">
      <caption>
        <span
          >${INTERVALS[shared.several]} The digest identifies the predictions file that a row was computed
          from.${describeShared(shared)}</span
        >
      </caption>
      <thead>
        <tr>
          <th scope="col" class="text">Cell</th>
          <th scope="col">Repeat</th>
          <th scope="col">Fold</th>
          <th scope="col">Seed</th>
          <th scope="col">Slides</th>
          <th scope="col">AUC</th>
          <th scope="col">F1</th>
          <th scope="col">Accuracy</th>
          ${shared.called && html`<th scope="col">Threshold</th>`}
          <th scope="col">Epoch</th>
          <th scope="col" class="text">Predictions</th>
        </tr>
      </thead>
      ${rows.map(
        ({ group }, i) =>
          html`<tbody id="${foldsId(i)}">
            ${folds.filter((fold) => fold.group === group).map((fold) => foldRow(fold, shared))}
          </tbody>`,
      )}
    </table>
  </div>`;
}

/**
 * Facts that are the same in all folds and are therefore stated once: the source of the threshold and of the
 * epoch.
 */
interface Shared {
  /** Whether a fold has a threshold: with more than two classes, the most probable class is called. */
  called: boolean;
  threshold: string | null;
  epoch: string | null;
  /** Which folds have more than two classes. */
  several: 'none' | 'some' | 'all';
}

function findShared(folds: readonly FoldResult[]): Shared {
  const one = (values: readonly string[]) =>
    values.length > 1 && new Set(values).size === 1 ? values[0] : null;
  const several = folds.filter(({ metrics }) => metrics.several !== undefined).length;
  return {
    several: several === 0 ? 'none' : several === folds.length ? 'all' : 'some',
    called: folds.some(({ metrics }) => metrics.protocols[metrics.protocol].threshold !== null),
    threshold: one(folds.map(({ metrics }) => thresholdFrom(metrics))),
    epoch: one(folds.map(({ metrics }) => metrics.selection.by)),
  };
}

function thresholdFrom({ protocols, protocol }: MetricsFile): string {
  return protocols[protocol].threshold_from;
}

function describeShared({ called, threshold, epoch }: Shared): string {
  const parts = [
    ...(threshold === null || !called ? [] : [`threshold: ${threshold}`]),
    ...(epoch === null ? [] : [`epoch: ${epoch}`]),
  ];
  return parts.length === 0 ? '' : ` For all folds, ${parts.join('; ')}.`;
}

function bootstrapInterval({ intervals }: MetricsFile, name: string): Markup | '' {
  const interval = intervals.bootstrap?.[name];
  // An interval of zero width would claim more than a few slides can show.
  if (interval === undefined || interval.low === interval.high) return html`<small>no interval</small>`;
  return html`<small>${percent(interval.low, 1)} to ${percent(interval.high, 1)}</small>`;
}

/** DeLong's interval is defined for two classes. */
function severalInterval({ several, intervals }: MetricsFile): Interval | undefined {
  const interval = several === undefined ? undefined : intervals.bootstrap?.auc;
  return interval === undefined || interval.low === interval.high ? undefined : interval;
}

function foldRow({ metrics, files }: FoldResult, shared: Shared): Markup {
  const called = metrics.protocols[metrics.protocol];
  const interval = metrics.intervals.delong_auc ?? severalInterval(metrics);
  const counts = Object.entries(metrics.counts).map(([name, slides]) => `${slides} ${name}`);
  const epoch = metrics.selection.epoch;
  return html`<tr>
    <th scope="row" class="text name">${metrics.cell}</th>
    <td>${metrics.repeat}</td>
    <td>${metrics.fold}</td>
    <td>${metrics.seed}</td>
    <td data-value="${metrics.slides}">${metrics.slides}<small>${counts.join(', ')}</small></td>
    <td data-value="${metrics.rank.auc ?? -1}">
      ${percent(metrics.rank.auc)}<small
        >${interval ? `${percent(interval.low, 1)} to ${percent(interval.high, 1)}` : 'no interval'}</small
      >
    </td>
    <td data-value="${called.f1}">${percent(called.f1)}${bootstrapInterval(metrics, 'f1')}</td>
    <td data-value="${called.accuracy}">
      ${percent(called.accuracy)}${bootstrapInterval(metrics, 'accuracy')}
    </td>
    ${
      shared.called &&
      html`<td class="narrow">
        ${called.threshold === null ? '–' : called.threshold.toFixed(3)}${
          shared.threshold === null && html`<small>${thresholdFrom(metrics)}</small>`
        }
      </td>`
    }
    <td class="narrow">
      ${epoch ?? '–'}${shared.epoch === null && html`<small>${metrics.selection.by}</small>`}
    </td>
    <td class="text">
      <code title="${files.predictions.path} ${files.predictions.digest}"
        >${shortDigest(files.predictions.digest)}</code
      >
    </td>
  </tr>`;
}
