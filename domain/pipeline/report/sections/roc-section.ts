import { count, percent } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import type { ReportData } from '../data/report-data.js';
import { mainSpread, type SeveralSummary } from '../data/summary.js';
import { drawFoldCurves, drawMeanCurves, type RocLine } from '../figures/roc-figure.js';
import { seriesKey } from '../figures/series.js';
import { severalRows } from './class-tables.js';

/** More mean curves in one frame would hide each other. */
const MOST_LINES = 12;

/** ROC curves of each model, over its folds. */
export function rocSection(data: ReportData): Markup {
  const lines = data.rows.map(({ group }, i): RocLine => {
    const curves = data.folds.flatMap((fold) => (fold.group === group && fold.roc ? [fold.roc] : []));
    return { label: group, series: i, curves };
  });
  const drawn = lines.filter(({ curves }) => curves.length > 0);
  const legend = drawn.map(
    ({ label, series }) => html`<span class="legend">${seriesKey(series)}${label}</span> `,
  );
  const several = severalRows(data.rows);
  return html`<section id="roc" aria-labelledby="roc-h">
    <h2 id="roc-h">ROC curves</h2>
    ${
      drawn.length > 0 &&
      html`<p class="lead">
          Thin lines are individual folds. The thick line is their mean at each false positive rate; the band
          is one standard deviation.
        </p>
        <div class="panels">
          ${
            drawn.length > 1 &&
            drawn.length <= MOST_LINES &&
            html`<figure class="chart large">
              ${drawMeanCurves(drawn)}
              <figcaption><strong>Mean curves of all models.</strong> ${legend}</figcaption>
            </figure>`
          }${drawn.map((line) => rocPanel(line, data))}
        </div>`
    }
    ${several.length > 0 && classPanels(data)}
    ${drawn.length + several.length === 0 && html`<p class="empty">No fold contains slides of both classes.</p>`}
  </section>`;
}

/** One frame per group of more than two classes, with the mean curve of each class. */
function classPanels(data: ReportData): Markup {
  return html`<p class="lead">
      Each class against all others: the mean of the folds at each false positive rate. The number is the mean
      AUC of the folds ± standard deviation.
    </p>
    <div class="panels">
      ${severalRows(data.rows).map((row) => classPanel(row.group, row.several, data))}
    </div>`;
}

function classPanel(group: string, several: SeveralSummary, { folds }: ReportData): Markup {
  const members = folds.filter((fold) => fold.group === group);
  const lines = Object.keys(several.per_class).map((label, k): RocLine => {
    const curves = members.flatMap(({ classRocs }) => classRocs[k] ?? []);
    return { label, series: k, curves };
  });
  const drawn = lines.filter(({ curves }) => curves.length > 0);
  if (drawn.length > MOST_LINES) {
    return html`<p class="empty">
      ${group}: ${drawn.length} classes are too many for one figure. The curves are in the files
      roc/&lt;cell&gt;.csv of the evaluations.
    </p>`;
  }
  return html`<figure class="chart">
    ${drawMeanCurves(drawn)}
    <figcaption>
      <strong>${group}</strong>, ${count(members.length, 'fold')}<br />
      ${lines.map(({ label, series: own, curves }) => classKey(label, own, curves.length, several))}
    </figcaption>
  </figure>`;
}

function classKey(
  label: string,
  series: number,
  curves: number,
  { per_class: metrics }: SeveralSummary,
): Markup {
  const auc = mainSpread(metrics[label].auc);
  const text =
    curves === 0 || auc === null
      ? 'no curve: no fold has slides of it and of others'
      : `AUC ${percent(auc.mean)} ± ${percent(auc.std)}`;
  return html`<span class="legend">${seriesKey(series)}${label} <span class="sd">${text}</span></span
    ><br />`;
}

function rocPanel(line: RocLine, data: ReportData): Markup {
  const row = data.rows.find(({ group }) => group === line.label);
  const auc = row?.protocols.honest.auc.folds;
  return html`<figure class="chart">
    ${drawFoldCurves(line)}
    <figcaption>
      ${seriesKey(line.series)}<strong>${line.label}</strong>, ${count(line.curves.length, 'fold')}, AUC
      ${percent(auc?.mean)} ± ${percent(auc?.std)}
    </figcaption>
  </figure>`;
}
