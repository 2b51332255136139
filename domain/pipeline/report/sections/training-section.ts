import { seriesKey } from '../figures/series.js';
import {
  hasLine,
  LOSS_LINES,
  SCORE_CHARTS,
  trainingFigure,
  trainingRange,
  type TrainingLine,
} from '../figures/training-figure.js';
import { count } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import type { TrainingCurves } from '../data/report-data.js';

/** Losses and validation scores over the epochs, for each group. */
export function trainingSection(all: readonly TrainingCurves[]): Markup {
  const charts = SCORE_CHARTS.filter(({ line }) => all.some((curves) => hasLine(curves, line))).map(
    (chart) => ({ ...chart, range: trainingRange(all, [chart.line]) }),
  );
  const losses = trainingRange(all, LOSS_LINES);
  const missing = all.reduce((sum, curves) => sum + curves.missing, 0);
  return html`<section id="training" aria-labelledby="training-h">
    <h2 id="training-h">Training</h2>
    <p class="lead">
      Thin lines are individual folds, the thick line is their mean over the folds that reached the epoch.
      Marks at the bottom: the epoch whose weights a fold kept. All charts of a kind have the same scale.
      ${missing > 0 && `The history of ${count(missing, 'training')} is not available.`}
    </p>
    <div class="panels wide">${all.map((curves) => panel(curves, losses, charts))}</div>
  </section>`;
}

type Range = readonly [number, number];

function panel(
  curves: TrainingCurves,
  lossRange: Range,
  charts: readonly ((typeof SCORE_CHARTS)[number] & { range: Range })[],
): Markup {
  const losses = LOSS_LINES.filter((line) => hasLine(curves, line));
  return html`<figure class="chart">
    ${trainingFigure(curves, losses, 'Loss', lossRange)}
    ${charts
      .filter(({ line }) => hasLine(curves, line))
      .map(({ title, line, range }) => trainingFigure(curves, [line], title, range))}
    <figcaption>
      <strong>${curves.group}</strong>, ${count(curves.folds.length, 'fold')}. ${legend(losses)}
    </figcaption>
  </figure>`;
}

function legend(lines: readonly TrainingLine[]): Markup {
  return html`${lines.map(({ label, series }) => html`<span class="legend">${seriesKey(series)}${label}</span> `)}`;
}
