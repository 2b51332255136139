import type { SeveralMetric } from '../../../mil/evaluate/evaluate-classes.js';
import type { ClassMetric, OverallMetric } from '../../../mil/evaluate/measure-classes.js';
import { percent } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import type { PooledMetric } from '../data/pooled-metric.js';
import type { ReportData } from '../data/report-data.js';
import { mainSpread, type MetricName, type MetricSummary, type SummaryRow } from '../data/summary.js';
import { seriesKey } from '../figures/series.js';
import { scrolling } from './scrolling.js';

/** How a metric is written: in percent, or as a number for what is not a fraction. */
type Format = (value: number) => string;

const plain: Format = (value) => value.toFixed(3);

type Column = readonly [Exclude<OverallMetric, 'maximum_calibration_error'>, string, Format];

/** Metrics of the probabilities. */
const RANKED: readonly Column[] = [
  ['auc', 'Macro AUC', percent],
  ['auc_weighted', 'Weighted AUC', percent],
  ['auc_one_vs_one', 'One-vs-one AUC', percent],
  ['average_precision', 'Macro avg. precision', percent],
  ['expected_calibration_error', 'Calibration error', plain],
  ['brier', 'Brier score', plain],
  ['log_loss', 'Log loss', plain],
];

/** Metrics of the called classes. */
const CALLED: readonly Column[] = [
  ['accuracy', 'Accuracy', percent],
  ['balanced_accuracy', 'Balanced accuracy', percent],
  ['f1', 'Macro F1', percent],
  ['f1_weighted', 'Weighted F1', percent],
  ['precision', 'Macro precision', percent],
  ['kappa', 'Kappa', plain],
  ['quadratic_kappa', 'Quadratic kappa', plain],
  ['mcc', 'Matthews correlation', plain],
];

const EACH: readonly (readonly [ClassMetric, string])[] = [
  ['auc', 'AUC'],
  ['average_precision', 'Avg. precision'],
  ['recall', 'Sensitivity'],
  ['precision', 'Precision'],
  ['f1', 'F1'],
];

/** A group of more than two classes. */
type SeveralRow = SummaryRow & { several: NonNullable<SummaryRow['several']> };

export function severalRows(rows: readonly SummaryRow[]): SeveralRow[] {
  return rows.filter((row): row is SeveralRow => row.several !== undefined);
}

/** Metrics over all classes and of each class, over the folds and on the pooled scores. */
export function classTables(data: ReportData): Markup | '' {
  const rows = severalRows(data.rows);
  if (rows.length === 0) return '';
  const ordered = rows.some(({ several }) => several.ordered);
  const called = CALLED.filter(([name]) => ordered || name !== 'quadratic_kappa');
  return html`<h3>Probabilities of all classes</h3>
    <p class="lead">
      AUC compares each class with all others (one-versus-rest): macro is the plain mean over the classes,
      weighted is the mean weighted by the slides of each class. One-vs-one AUC is the mean over the pairs of
      classes. The last three columns are not percentages, and 0 is best: the calibration error is that of the
      most probable class (10 bins), and the Brier score is summed over the classes (0 to 2).
    </p>
    ${overallTable(rows, data, { title: 'Probabilities of all classes', columns: RANKED })}
    <h3>Called classes</h3>
    <p class="lead">
      With more than two classes, the most probable class is called. There is no threshold, so the honest and
      the paper protocol give the same numbers. Macro F1 and precision are plain means over the classes;
      balanced accuracy is the mean sensitivity. Kappa and Matthews correlation are not percentages: 1 means
      perfect calls and 0 calls by chance. ${ordered && QUADRATIC}
    </p>
    ${overallTable(rows, data, { title: 'Called classes', columns: called })}
    <h3>Each class against the others</h3>
    ${classTable(rows, data)}`;
}

const QUADRATIC =
  'Quadratic kappa weights a wrong call by the square of its distance on the scale; mil.evaluate was told that the classes are ordered.';

function overallTable(
  rows: readonly SeveralRow[],
  data: ReportData,
  { title, columns }: { title: string; columns: readonly Column[] },
): Markup {
  return html`<div ${scrolling(title)}>
    <table>
      <caption>
        <span
          >folds: mean ± standard deviation (ddof 0)${overRepeats(rows)}. pooled: all out-of-fold scores of a
          repeat at once, mean over the repeats, with its 95% interval (bootstrap of slides within each
          class).</span
        >
      </caption>
      <thead>
        <tr>
          <th scope="col" class="text">Model</th>
          <th scope="col" class="text">Over</th>
          ${columns.map(([, name]) => html`<th scope="col"><span class="head">${name}</span></th>`)}
        </tr>
      </thead>
      ${rows.map((row) => {
        const pooled = data.pooled.find(({ group }) => group === row.group)?.several?.overall;
        return html`<tbody>
          <tr>
            <th scope="rowgroup" rowspan="${pooled ? 2 : 1}" class="text name">
              ${seriesKey(data.rows.indexOf(row))}${row.group}
            </th>
            <th scope="row" class="text">folds</th>
            ${columns.map(([name, , format]) => summaryCell(overallOf(row, name), format))}
          </tr>
          ${
            pooled &&
            html`<tr>
              <th scope="row" class="text">pooled</th>
              ${columns.map(([name, , format]) => pooledCell(pooled[name], format))}
            </tr>`
          }
        </tbody>`;
      })}
    </table>
  </div>`;
}

function overRepeats(rows: readonly SummaryRow[]): string {
  return rows.some(({ repeats }) => repeats > 1) ? ' over the means of the repeats' : ' over the folds';
}

function overallOf(row: SeveralRow, name: SeveralMetric | MetricName): MetricSummary {
  const { overall } = row.several;
  return name in overall ? overall[name as SeveralMetric] : row.protocols[row.protocol][name as MetricName];
}

function classTable(rows: readonly SeveralRow[], data: ReportData): Markup {
  return html`<div ${scrolling('Each class against the others')}>
    <table>
      <caption>
        <span
          >Mean ± standard deviation${overRepeats(rows)}; below it, in small print, the pooled value with its
          95% interval. Percentages.</span
        >
      </caption>
      <thead>
        <tr>
          <th scope="col" class="text">Model</th>
          <th scope="col" class="text">Class</th>
          <th scope="col">Slides</th>
          ${EACH.map(([, title]) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      ${rows.map((row) => {
        const pooled = data.pooled.find(({ group }) => group === row.group)?.several?.per_class;
        const classes = Object.entries(row.several.per_class);
        const slides = slidesOfClasses(row.group, data);
        return html`<tbody>
          ${classes.map(
            ([name, metrics], i) =>
              html`<tr>
                ${
                  i === 0 &&
                  html`<th scope="rowgroup" rowspan="${classes.length}" class="text name">
                    ${seriesKey(data.rows.indexOf(row))}${row.group}
                  </th>`
                }
                <th scope="row" class="text name">${name}</th>
                <td>${slides.get(name) ?? 0}</td>
                ${EACH.map(([metric]) => summaryCell(metrics[metric], percent, pooled?.[name][metric]))}
              </tr>`,
          )}
        </tbody>`;
      })}
    </table>
  </div>`;
}

/** Scored slides of each class in one repeat, at most. */
function slidesOfClasses(group: string, { folds }: ReportData): Map<string, number> {
  const most = new Map<string, number>();
  const members = folds.filter((fold) => fold.group === group);
  for (const repeat of new Set(members.map(({ metrics }) => metrics.repeat))) {
    const own = members.filter(({ metrics }) => metrics.repeat === repeat);
    for (const name of own[0].metrics.classes) {
      const slides = own.reduce((sum, { metrics }) => sum + metrics.counts[name], 0);
      most.set(name, Math.max(slides, most.get(name) ?? 0));
    }
  }
  return most;
}

function summaryCell(summary: MetricSummary, format: Format, pooled?: PooledMetric): Markup {
  const main = mainSpread(summary);
  const { folds } = summary;
  const gaps =
    folds !== null && folds.undefined > 0 ? `${folds.n} of ${folds.n + folds.undefined} folds` : undefined;
  return html`<td>
    ${main === null ? 'undefined' : html`${format(main.mean)} <span class="sd">± ${format(main.std)}</span>`}
    ${gaps !== undefined && html`<small>${gaps}</small>`}${pooled && html`<small>${pooledText(pooled, format)}</small>`}
  </td>`;
}

function pooledCell(pooled: PooledMetric, format: Format): Markup {
  const { spread, interval } = pooled;
  return html`<td class="narrow">
    ${spread === null ? 'undefined' : format(spread.mean)}<small
      >${spread === null ? pooled.why : interval === null ? 'no interval' : range(interval, format)}</small
    >
  </td>`;
}

function pooledText({ spread, interval, why }: PooledMetric, format: Format): string {
  if (spread === null) return `undefined: ${why}`;
  return interval === null ? format(spread.mean) : `${format(spread.mean)} (${range(interval, format)})`;
}

function range({ low, high }: { low: number; high: number }, format: Format): string {
  return `${format(low)} to ${format(high)}`;
}
