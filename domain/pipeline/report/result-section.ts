import type { Protocol } from '../../mil/evaluate/evaluate-predictions.js';
import { count, percent } from './format-number.js';
import { html, type Markup } from './html.js';
import type { Comparison, PooledResult, ReportData } from './report-data.js';
import type { MetricName, MetricSummary, Spread, SummaryRow } from './summary.js';

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

/**
 * Starts with one tile per model, then the table of both protocols, calibration, and the comparison of
 * models.
 */
export function resultSection(data: ReportData): Markup {
  return html`<section id="result" aria-labelledby="result-h">
    <h2 id="result-h">Result</h2>
    <p class="lead">${explain(data.rows)}</p>
    <div class="tiles">
      ${data.rows.map((row, i) =>
        tile(
          row,
          i,
          data.pooled.find(({ group }) => group === row.group),
        ),
      )}
    </div>
    ${metricsTable(data.rows)} ${calibrationTable(data.rows)}
    ${data.comparisons.length > 0 && comparisonTable(data.comparisons)}
  </section>`;
}

function explain(rows: readonly SummaryRow[]): string {
  const [first] = rows;
  if (first === undefined) return 'No evaluation finished.';
  const same = rows.every(({ repeats, folds }) => repeats === first.repeats && folds === first.folds);
  const size = same
    ? `${count(first.repeats, 'repeat')} with ${count(first.folds, 'fold')} in total`
    : 'the folds listed below';
  return `All values are percentages. Each model was tested on ${size}. ${rows.some(({ repeats }) => repeats > 1) ? OVER_REPEATS : OVER_FOLDS}`;
}

const OVER_REPEATS =
  'The large figure is the mean over the repeats (each repeat is the mean of its folds) ± their standard deviation. The spread over individual folds is wider and is shown next to it.';
const OVER_FOLDS = 'The large figure is the mean over the folds ± their standard deviation.';

/**
 * The spread to show first: over the means of the repeats or, with a single repeat, whose spread would be 0,
 * over the folds.
 */
export function mainSpread({ repeats, folds }: MetricSummary): Spread | null {
  return repeats !== null && repeats.n > 1 ? repeats : folds;
}

function tile(row: SummaryRow, index: number, pooled: PooledResult | undefined): Markup {
  const chosen = row.protocol;
  const { auc, f1 } = row.protocols[chosen];
  const [area, score] = [mainSpread(auc), mainSpread(f1)];
  const together = pooled?.auc;
  return html`<div class="tile s${(index % 8) + 1}">
    <span class="name">${row.group}</span>
    ${isOptimistic(row) && html`<span class="badge warn">optimistic</span>`}
    <span class="big">${percent(area?.mean)} <small>± ${percent(area?.std)} AUC</small></span>
    <span class="sub">F1 ${percent(score?.mean)} ± ${percent(score?.std)} · ${chosen} threshold</span>
    <span class="sub">AUC over individual folds ± ${percent(auc.folds?.std)}</span>
    ${
      together &&
      html`<span class="sub"
        >AUC of the pooled scores of all folds
        ${percent(together.mean)}${together.n > 1 && ` ± ${percent(together.std)}`}</span
      >`
    }
  </div>`;
}

/** True if the epoch or the threshold was selected on the scored slides. */
function isOptimistic({ optimistic, protocol }: SummaryRow): boolean {
  return optimistic || protocol === 'paper';
}

function metricsTable(rows: readonly SummaryRow[]): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Metrics">
      <table>
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
            <th scope="col">Model</th>
            ${RANKED.map(([, title]) => html`<th scope="col">${title}</th>`)}
            <th scope="col" class="text">Threshold</th>
            ${CALLED.map(([, title]) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(modelRows)}
        </tbody>
      </table>
    </div>
    <p class="lead">
      honest: the threshold is selected on the validation slides, or is 0.5 if there are too few. paper:
      Youden’s threshold on the scored fold, as in the published tables; results on new slides would be lower.
    </p>`;
}

function modelRows(row: SummaryRow, index: number): Markup {
  const order: readonly Protocol[] = row.protocol === 'honest' ? ['honest', 'paper'] : ['paper', 'honest'];
  return html`${order.map((protocol, i) => {
    const values = row.protocols[protocol];
    return html`<tr class="${protocol === 'paper' ? 'optimistic' : ''}">
      ${
        i === 0 &&
        html`<th scope="rowgroup" rowspan="2" class="s${(index % 8) + 1}">
            <span class="swatch"></span>${row.group}<small
              >${count(row.folds, 'fold')}, ${count(row.slides, 'scored slide')}</small
            >${row.optimistic && OPTIMISTIC_EPOCH}
          </th>
          ${RANKED.map(([name]) => cell(values[name], 2))}`
      }
      <th scope="row" class="text">
        ${protocol} ${protocol === 'paper' ? html`<span class="badge warn">optimistic</span>` : ''}
      </th>
      ${CALLED.map(([name]) => cell(values[name], 1))}
    </tr>`;
  })}`;
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
            <th scope="col">Model</th>
            ${CALIBRATED.map(([, title]) => html`<th scope="col">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ group, protocol, protocols }, i) =>
              html`<tr>
                <th scope="row" class="s${(i % 8) + 1}"><span class="swatch"></span>${group}</th>
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

function cell(summary: MetricSummary, rowspan: number): Markup {
  const { repeats, folds } = summary;
  const main = mainSpread(summary);
  const span = rowspan > 1 ? html` rowspan="${rowspan}"` : '';
  const gaps =
    folds !== null && folds.undefined > 0 ? ` (${folds.n} of ${folds.n + folds.undefined} folds)` : '';
  const beside = `${repeats !== null && repeats.n > 1 ? `folds ± ${percent(folds?.std)}` : ''}${gaps}`;
  return html`<td${span}>${percent(main?.mean)} <span class="sd">± ${percent(main?.std)}</span>${beside !== '' && html`<small>${beside}</small>`}</td>`;
}

function comparisonTable(comparisons: readonly Comparison[]): Markup {
  return html`<h3>Are the differences significant?</h3>
    <div class="scroll" tabindex="0" role="region" aria-label="Comparison of models">
      <table>
        <caption>
          <span
            >DeLong’s paired test on the AUC of the pooled out-of-fold scores of one repeat. Scores of
            different folds come from different trained models, so this AUC differs slightly from the mean
            over the folds. p is two-sided and not corrected for multiple testing.</span
          >
        </caption>
        <thead>
          <tr>
            <th scope="col">First – second</th>
            <th scope="col">Repeat</th>
            <th scope="col">Slides</th>
            <th scope="col">AUC, first</th>
            <th scope="col">AUC, second</th>
            <th scope="col">Difference (95% interval)</th>
            <th scope="col">p</th>
          </tr>
        </thead>
        <tbody>
          ${comparisons.map(
            ({ a, b, repeat, slides, result }) =>
              html`<tr>
                <th scope="row">${a} – ${b}</th>
                <td>${repeat}</td>
                <td>${slides}</td>
                <td>${percent(result.aucA)}</td>
                <td>${percent(result.aucB)}</td>
                <td>
                  ${signed(result.difference)}
                  <span class="sd"
                    >(${signed(result.difference95[0])} to ${signed(result.difference95[1])})</span
                  >
                </td>
                <td>${probability(result.pTwoSided)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${percent(Math.abs(value))}`;
}

function probability(p: number): string {
  if (Number.isNaN(p)) return 'identical ranks';
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}
