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
import { confusionTables } from './confusion-tables.js';
import { comparisonTables } from './comparison-tables.js';
import { rankingTables } from './ranking-table.js';

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
    <h3>All metrics</h3>
    ${metricsTable(data)}${severalClasses(data)}${confusionTables(data)}${calibrationTable(data.rows)}
  </section>`;
}

function severalClasses({ folds }: ReportData): Markup | '' {
  if (folds.every(({ metrics }) => metrics.classes.length <= 2)) return '';
  return html`<p class="lead">
    With more than two classes, the most probable class is called. AUC is the mean of the AUCs of each class
    against the others; F1, sensitivity and precision are means over the classes.
  </p>`;
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

/** What the table of all metrics shows. */
interface Shown {
  ranked: typeof RANKED;
  called: typeof CALLED;
  /** Groups of more than two classes: the most probable class is called, without a threshold. */
  several: ReadonlySet<string>;
  /** Whether a group has a threshold. */
  threshold: boolean;
}

/** Leaves out what no group has, such as the specificity of three classes. */
function shownMetrics({ rows, folds }: ReportData): Shown {
  const several = new Set(
    folds.filter(({ metrics }) => metrics.classes.length > 2).map(({ group }) => group),
  );
  const known = ([name]: readonly [MetricName, string]) =>
    rows.some(({ protocols }) =>
      Object.values(protocols).some((values) => mainSpread(values[name]) !== null),
    );
  const threshold = rows.some(({ group }) => !several.has(group));
  return { ranked: RANKED.filter(known), called: CALLED.filter(known), several, threshold };
}

function metricsTable(data: ReportData): Markup {
  const { rows } = data;
  const shown = shownMetrics(data);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Metrics">
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
            ${shown.ranked.map(([, title]) => html`<th scope="col">${title}</th>`)}
            ${shown.threshold && html`<th scope="col" class="text">Threshold</th>`}
            ${shown.called.map(([, title]) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        ${rows.map((row, i) => modelRows(row, i, shown))}
      </table>
    </div>
    ${
      shown.threshold &&
      html`<p class="lead">
        honest: the threshold is selected on the validation slides, or is 0.5 if there are too few. paper:
        Youden’s threshold on the scored fold, as in the published tables; results on new slides would be
        lower.
      </p>`
    }`;
}

function modelRows(row: SummaryRow, index: number, { ranked, called, several, threshold }: Shown): Markup {
  const order = several.has(row.group) ? [row.protocol] : ORDERS[row.protocol];
  return html`<tbody>
    ${order.map((protocol, i) => {
      const values = row.protocols[protocol];
      const alone = order.length === 1;
      return html`<tr class="${protocol === 'paper' && !alone ? 'optimistic' : ''}">
        ${
          i === 0 &&
          html`<th scope="rowgroup" rowspan="${order.length}" class="text name">
              ${seriesKey(index)}${row.group}<small
                >${count(row.folds, 'fold')}, ${count(row.slides, 'scored slide')}</small
              >${row.optimistic && OPTIMISTIC_EPOCH}
            </th>
            ${ranked.map(([name]) => cell(values[name], order.length))}`
        }
        ${threshold && thresholdCell(protocol, alone)} ${called.map(([name]) => cell(values[name], 1))}
      </tr>`;
    })}
  </tbody>`;
}

function thresholdCell(protocol: Protocol, alone: boolean): Markup {
  if (alone) return html`<th scope="row" class="text">none</th>`;
  return html`<th scope="row" class="text">
    ${protocol} ${protocol === 'paper' ? html`<span class="badge warn">optimistic</span>` : ''}
  </th>`;
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
function calibrationTable(rows: readonly SummaryRow[]): Markup | '' {
  if (rows.every(({ protocols }) => protocols.honest.brier.folds === null)) return '';
  return html`<details>
    <summary>Calibration</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Calibration">
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
            ({ group, protocol, protocols }, i) =>
              html`<tr>
                <th scope="row" class="text name">${seriesKey(i)}${group}</th>
                ${CALIBRATED.map(([name]) => plainCell(protocols[protocol][name]))}
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
