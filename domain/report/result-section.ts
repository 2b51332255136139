import type { Protocol } from '../mil/evaluate-predictions.js';
import { count, percent } from './format-number.js';
import { html, type Markup } from './html.js';
import type { Comparison, ReportData } from './report-data.js';
import type { MetricName, MetricSummary, SummaryRow } from './summary.js';

const CALLED: readonly [MetricName, string][] = [
  ['f1', 'F1'],
  ['accuracy', 'Accuracy'],
  ['balanced_accuracy', 'Balanced acc.'],
  ['recall', 'Sensitivity'],
  ['specificity', 'Specificity'],
];

const RANKED: readonly [MetricName, string][] = [
  ['auc', 'AUC'],
  ['average_precision', 'Avg. precision'],
];

/** The answer first: a tile a model, then the table of both protocols, then how sure the difference between models is. */
export function resultSection(data: ReportData): Markup {
  const chosen = data.folds[0]?.metrics.protocol ?? 'honest';
  return html`<section id="result" aria-labelledby="result-h">
    <h2 id="result-h">Result</h2>
    <p class="lead">${explain(data.rows)}</p>
    <div class="tiles">${data.rows.map((row, i) => tile(row, i, chosen))}</div>
    ${metricsTable(data.rows, chosen)} ${data.comparisons.length > 0 && comparisonTable(data.comparisons)}
  </section>`;
}

function explain(rows: readonly SummaryRow[]): string {
  const [first] = rows;
  if (first === undefined) return 'No evaluation has finished.';
  const same = rows.every(({ repeats, folds }) => repeats === first.repeats && folds === first.folds);
  const size = same
    ? `${count(first.repeats, 'repeat')} and ${count(first.folds, 'fold')} in all`
    : 'the folds listed below';
  return `Percent. Each model was tested on ${size}. The large figure is the mean over the repeats (each repeat the mean of its folds) ± their standard deviation; the spread over single folds stands below it and is wider.`;
}

function tile(row: SummaryRow, index: number, chosen: Protocol): Markup {
  const { auc, f1 } = row.protocols[chosen];
  return html`<div class="tile s${(index % 8) + 1}">
    <span class="name">${row.group}</span
    ><span class="big">${percent(auc.repeats?.mean)} <small>± ${percent(auc.repeats?.std)} AUC</small></span
    ><span class="sub"
      >F1 ${percent(f1.repeats?.mean)} ± ${percent(f1.repeats?.std)} · ${chosen} threshold<br />AUC over
      ${count(row.folds, 'fold')} ± ${percent(auc.folds?.std)}</span
    >
  </div>`;
}

function metricsTable(rows: readonly SummaryRow[], chosen: Protocol): Markup {
  const order: readonly Protocol[] = chosen === 'honest' ? ['honest', 'paper'] : ['paper', 'honest'];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Metrics">
      <table>
        <caption>
          <span
            >Mean ± standard deviation (ddof 0) over the means of the repeats; small: over all folds of all
            repeats.</span
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
          ${rows.map((row, i) => modelRows(row, i, order))}
        </tbody>
      </table>
    </div>
    <p class="lead">
      honest: the threshold comes from the validation slides, or is 0.5 where they give none. paper: Youden’s
      threshold on the very fold that is scored, as in the published tables; better than new slides would
      show.
    </p>`;
}

function modelRows(row: SummaryRow, index: number, order: readonly Protocol[]): Markup {
  return html`${order.map((protocol, i) => {
    const values = row.protocols[protocol];
    return html`<tr class="${protocol === 'paper' ? 'optimistic' : ''}">
      ${
        i === 0 &&
        html`<th scope="rowgroup" rowspan="2" class="s${(index % 8) + 1}">
            <span class="swatch"></span>${row.group}<small
              >${count(row.folds, 'fold')}, ${count(row.slides, 'scored slide')}</small
            >
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

function cell({ repeats, folds }: MetricSummary, rowspan: number): Markup {
  const span = rowspan > 1 ? html` rowspan="${rowspan}"` : '';
  const gaps = folds !== null && folds.undefined > 0 ? ` (${folds.n} of ${folds.n + folds.undefined})` : '';
  return html`<td${span}>${percent(repeats?.mean)} <span class="sd">± ${percent(repeats?.std)}</span><small>folds ± ${percent(folds?.std)}${gaps}</small></td>`;
}

function comparisonTable(comparisons: readonly Comparison[]): Markup {
  return html`<h3>Is the difference real?</h3>
    <div class="scroll" tabindex="0" role="region" aria-label="Comparison of models">
      <table>
        <caption>
          <span
            >DeLong’s paired test on the AUC of all out-of-fold scores of one repeat. Scores of different
            folds come from different trained models, so this AUC differs a little from the mean of the
            folds.</span
          >
        </caption>
        <thead>
          <tr>
            <th scope="col">Models</th>
            <th scope="col">Repeat</th>
            <th scope="col">Slides</th>
            <th scope="col">AUC</th>
            <th scope="col">AUC</th>
            <th scope="col">Difference (95 % interval)</th>
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
  if (Number.isNaN(p)) return 'same ranks';
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}
