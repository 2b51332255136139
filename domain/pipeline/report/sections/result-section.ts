import type { Protocol } from '../../../mil/evaluate/evaluate-predictions.js';
import { count, percent } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import { seriesKey } from '../figures/series.js';
import type { ReportData } from '../data/report-data.js';
import {
  mainSpread,
  type MetricName,
  type MetricSummary,
  type Spread,
  type SummaryRow,
} from '../data/summary.js';
import { classTables } from './class-tables.js';
import { confusionTables } from './confusion-tables.js';
import { comparisonTables } from './comparison-tables.js';
import { rankingTables } from './ranking-table.js';
import { scrolling } from './scrolling.js';

const CALLED: readonly [MetricName, string][] = [
  ['f1', 'F1'],
  ['accuracy', 'Accuracy'],
  ['balanced_accuracy', 'Balanced acc.'],
  ['recall', 'Sensitivity'],
  ['specificity', 'Specificity'],
  ['precision', 'Precision'],
];

const RANKED: readonly [MetricName, string][] = [
  ['auc', 'AUC'],
  ['average_precision', 'Avg. precision'],
];

/** Starts with the ranking, then the table of both protocols, calibration, and the comparison of models. */
export function resultSection(data: ReportData): Markup {
  return html`<section id="result" aria-labelledby="result-h">
    <h2 id="result-h">Result</h2>
    <p class="lead">${explain(data.rows)}</p>
    ${rankingTables(data)}${comparisonTables(data)}
    ${metricsTable(data)}${classTables(data)}${confusionTables(data)}${calibrationTable(data)}
  </section>`;
}

function explain(rows: readonly SummaryRow[]): string {
  if (rows.length === 0) return 'No evaluation finished.';
  return `All values are percentages. ${rows.some(({ repeats }) => repeats > 1) ? OVER_REPEATS : OVER_FOLDS} The name of a model leads to its folds, where each number names the file that it was computed from.`;
}

const OVER_REPEATS =
  'The AUC is the mean over the repeats (each repeat is the mean of its folds) ± their standard deviation. In the figure, the thick bar is this deviation and the thin one runs from the lowest fold to the highest.';
const OVER_FOLDS =
  'The AUC is the mean over the folds ± their standard deviation. In the figure, the thick bar is this deviation and the thin one runs from the lowest fold to the highest.';

/** The requested protocol first. */
const ORDERS: Record<Protocol, readonly Protocol[]> = {
  honest: ['honest', 'paper'],
  paper: ['paper', 'honest'],
};

/** Groups of two classes under both protocols; those with more have their own tables. */
function metricsTable(data: ReportData): Markup | '' {
  const rows = data.rows.filter(({ several }) => several === undefined);
  if (rows.length === 0) return '';
  return html`<h3>All metrics</h3>
    <div ${scrolling('Metrics')}>
      <table class="sortable">
        <caption>
          <span
            >Mean ± standard deviation (ddof
            0)${
              rows.some(({ repeats }) => repeats > 1)
                ? ' over the means of the repeats; in small print, over all folds of all repeats.'
                : ' over the folds.'
            }</span
          >
        </caption>
        <thead>
          <tr>
            <th scope="col" class="text">Model</th>
            ${RANKED.map(([, title]) => html`<th scope="col">${title}</th>`)}
            <th scope="col" class="text">Threshold</th>
            ${CALLED.map(([, title]) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        ${rows.map((row) => modelRows(row, data.rows.indexOf(row)))}
      </table>
    </div>
    <p class="lead">
      honest: the threshold is selected on the validation slides, or is 0.5 if there are too few. paper:
      Youden’s threshold on the scored fold, as in the published tables; results on new slides would be lower.
    </p>`;
}

function modelRows(row: SummaryRow, index: number): Markup {
  const order = ORDERS[row.protocol];
  return html`<tbody>
    ${order.map((protocol, i) => {
      const values = row.protocols[protocol];
      return html`<tr class="${protocol === 'paper' ? 'optimistic' : ''}">
        ${
          i === 0 &&
          html`<th scope="rowgroup" rowspan="${order.length}" class="text name">
              ${seriesKey(index)}${row.group}<small
                >${count(row.folds, 'fold')}, ${count(row.slides, 'scored slide')}</small
              >${row.optimistic && OPTIMISTIC_EPOCH}
            </th>
            ${RANKED.map(([name]) => cell(values[name], order.length))}`
        }
        <th scope="row" class="text">
          ${protocol} ${protocol === 'paper' ? html`<span class="badge warn">optimistic</span>` : ''}
        </th>
        ${CALLED.map(([name]) => cell(values[name], 1))}
      </tr>`;
    })}
  </tbody>`;
}

const OPTIMISTIC_EPOCH = html`<small
  ><span class="badge warn">epoch selected on the scored slides</span></small
>`;

const CALIBRATED: readonly [MetricName, string][] = [
  ['brier', 'Brier score'],
  ['log_loss', 'Log loss'],
  ['expected_calibration_error', 'Expected calibration error'],
];

/** How well the probabilities match the observed frequencies; the same under either protocol. */
function calibrationTable(data: ReportData): Markup | '' {
  const rows = data.rows.filter(({ several }) => several === undefined);
  if (rows.every(({ protocols }) => protocols.honest.brier.folds === null)) return '';
  return html`<details>
    <summary>Calibration</summary>
    <div ${scrolling('Calibration')}>
      <table>
        <caption>
          <span
            >Metrics of the probabilities, without a threshold; 0 is best. Mean ± standard deviation.</span
          >
        </caption>
        <thead>
          <tr>
            <th scope="col" class="text">Model</th>
            ${CALIBRATED.map(([, title]) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                <th scope="row" class="text name">${seriesKey(data.rows.indexOf(row))}${row.group}</th>
                ${CALIBRATED.map(([name]) => plainCell(row.protocols[row.protocol][name]))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

/** Not in percent: a log loss is not a fraction. */
function plainCell(summary: MetricSummary): Markup {
  const main = mainSpread(summary);
  if (main === null) return html`<td>–</td>`;
  return html`<td>${main.mean.toFixed(3)} <span class="sd">± ${main.std.toFixed(3)}</span></td>`;
}

/** An undefined metric, such as the specificity of three classes, is a dash. */
function spread(main: Spread | null): Markup {
  return main === null ? html`–` : html`${percent(main.mean)} <span class="sd">± ${percent(main.std)}</span>`;
}

function cell(summary: MetricSummary, rowspan: number): Markup {
  const { repeats, folds } = summary;
  const main = mainSpread(summary);
  const span = rowspan > 1 ? html` rowspan="${rowspan}"` : '';
  const gaps =
    folds !== null && folds.undefined > 0 ? ` (${folds.n} of ${folds.n + folds.undefined} folds)` : '';
  const beside = `${repeats !== null && repeats.n > 1 ? `folds ± ${percent(folds?.std)}` : ''}${gaps}`;
  return html`<td${span} data-value="${main?.mean ?? -1}">${spread(main)}${beside !== '' && html`<small>${beside}</small>`}</td>`;
}
