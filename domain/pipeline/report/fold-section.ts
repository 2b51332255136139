import type { MetricsFile } from '../../mil/evaluate/metrics-file.js';
import { count, percent, shortDigest } from './format-number.js';
import { html, type Markup } from './html.js';
import type { FoldResult, ReportData } from './report-data.js';
import { drawFoldCurves, drawMeanCurves, type RocLine } from './roc-figure.js';
import { stripPlot } from './strip-plot.js';

/** Number of series colors. More lines in one frame would be indistinguishable. */
const SERIES = 8;

/** ROC curves of each model, over its folds. */
export function rocSection(data: ReportData): Markup {
  const lines = data.rows.map(({ group }, i): RocLine => {
    const curves = data.folds.flatMap((fold) => (fold.group === group && fold.roc ? [fold.roc] : []));
    return { label: group, series: (i % 8) + 1, curves };
  });
  const drawn = lines.filter(({ curves }) => curves.length > 0);
  const legend = drawn.map(
    ({ label, series }) => html`<span class="s${series}"><span class="swatch"></span>${label}</span> `,
  );
  return html`<section id="roc" aria-labelledby="roc-h">
    <h2 id="roc-h">ROC curves</h2>
    <p class="lead">
      Thin lines are individual folds. The thick line is their mean at each false positive rate; the band is
      one standard deviation.
    </p>
    ${
      drawn.length === 0
        ? html`<p class="empty">${noCurves(data.folds)}</p>`
        : html`<div class="panels">
            ${
              drawn.length > 1 &&
              drawn.length <= SERIES &&
              html`<figure class="chart">
                ${drawMeanCurves(drawn)}
                <figcaption><strong>Mean curves of all models.</strong> ${legend}</figcaption>
              </figure>`
            }${drawn.map((line) => rocPanel(line, data))}
          </div>`
    }
  </section>`;
}

function noCurves(folds: readonly FoldResult[]): string {
  return folds.some(({ metrics }) => metrics.classes.length > 2)
    ? 'Curves are drawn for two classes only. The AUC is the mean over the classes, each against all others.'
    : 'No fold contains slides of both classes.';
}

function rocPanel(line: RocLine, data: ReportData): Markup {
  const row = data.rows.find(({ group }) => group === line.label);
  const auc = row?.protocols.honest.auc.folds;
  return html`<figure class="chart">
    ${drawFoldCurves(line)}
    <figcaption class="s${line.series}">
      <span class="swatch"></span><strong>${line.label}</strong>, ${count(line.curves.length, 'fold')}, AUC
      ${percent(auc?.mean)} ± ${percent(auc?.std)}
    </figcaption>
  </figure>`;
}

/** One row per fold, with its metrics and the file they come from. */
export function foldSection(data: ReportData): Markup {
  const rows = data.rows.map(({ group }, i) => ({
    label: group,
    series: (i % 8) + 1,
    points: data.folds.flatMap(({ group: own, metrics }) =>
      own !== group || metrics.rank.auc === null
        ? []
        : [{ value: metrics.rank.auc, title: `${metrics.cell}: AUC ${percent(metrics.rank.auc)}` }],
    ),
  }));
  const least = Math.min(0.5, ...rows.flatMap(({ points }) => points.map(({ value }) => value)));
  const axis = {
    from: Math.floor(least * 10) / 10,
    to: 1,
    reference: 0.5,
    label: 'AUC per fold (bar: median)',
  };
  const shared = findShared(data.folds);
  return html`<section id="folds" aria-labelledby="folds-h">
    <h2 id="folds-h">Folds</h2>
    <figure class="chart-middle">${stripPlot('AUC per fold', rows, axis)}</figure>
    <div class="scroll" tabindex="0" role="region" aria-label="Folds">
      <table>
        <caption>
          <span
            >Threshold metrics use the requested protocol. 95% confidence intervals: DeLong for the AUC,
            stratified bootstrap for the other metrics. The digest identifies the predictions file that a row
            was computed from.${describeShared(shared)}</span
          >
        </caption>
        <thead>
          <tr>
            <th scope="col">Cell</th>
            <th scope="col">Repeat</th>
            <th scope="col">Fold</th>
            <th scope="col">Seed</th>
            <th scope="col">Slides</th>
            <th scope="col">AUC</th>
            <th scope="col">F1</th>
            <th scope="col">Accuracy</th>
            <th scope="col">Threshold</th>
            <th scope="col">Epoch</th>
            <th scope="col" class="text">Predictions</th>
          </tr>
        </thead>
        <tbody>
          ${data.folds.map((fold) => foldRow(fold, shared))}
        </tbody>
      </table>
    </div>
  </section>`;
}

/**
 * Facts that are the same in all folds and are therefore stated once: the source of the threshold and of the
 * epoch.
 */
interface Shared {
  threshold: string | null;
  epoch: string | null;
}

function findShared(folds: readonly FoldResult[]): Shared {
  const one = (values: readonly string[]) =>
    values.length > 1 && new Set(values).size === 1 ? values[0] : null;
  return {
    threshold: one(folds.map(({ metrics }) => thresholdFrom(metrics))),
    epoch: one(folds.map(({ metrics }) => metrics.selection.by)),
  };
}

function thresholdFrom({ protocols, protocol }: MetricsFile): string {
  return protocols[protocol].threshold_from;
}

function describeShared({ threshold, epoch }: Shared): string {
  const parts = [
    ...(threshold === null ? [] : [`threshold: ${threshold}`]),
    ...(epoch === null ? [] : [`epoch: ${epoch}`]),
  ];
  return parts.length === 0 ? '' : ` For all folds, ${parts.join('; ')}.`;
}

function bootstrapInterval({ intervals }: MetricsFile, name: string): Markup | '' {
  const interval = intervals.bootstrap?.[name];
  if (interval === undefined) return '';
  return html`<small>${percent(interval.low, 1)} to ${percent(interval.high, 1)}</small>`;
}

function foldRow({ metrics, files }: FoldResult, shared: Shared): Markup {
  const called = metrics.protocols[metrics.protocol];
  const interval = metrics.intervals.delong_auc;
  const counts = Object.entries(metrics.counts).map(([name, slides]) => `${slides} ${name}`);
  const epoch = metrics.selection.epoch;
  return html`<tr>
    <th scope="row">${metrics.cell}</th>
    <td>${metrics.repeat}</td>
    <td>${metrics.fold}</td>
    <td>${metrics.seed}</td>
    <td>${metrics.slides}<small>${counts.join(', ')}</small></td>
    <td>
      ${percent(metrics.rank.auc)}<small
        >${interval ? `${percent(interval.low, 1)} to ${percent(interval.high, 1)}` : 'no interval'}</small
      >
    </td>
    <td>${percent(called.f1)}${bootstrapInterval(metrics, 'f1')}</td>
    <td>${percent(called.accuracy)}${bootstrapInterval(metrics, 'accuracy')}</td>
    <td class="narrow">
      ${called.threshold === null ? '–' : called.threshold.toFixed(3)}${
        shared.threshold === null && html`<small>${thresholdFrom(metrics)}</small>`
      }
    </td>
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
