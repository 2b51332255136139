import { seriesKey } from '../figures/series.js';
import {
  AUC_LINES,
  hasLine,
  LOSS_LINES,
  trainingFigure,
  trainingRange,
  type TrainingLine,
} from '../figures/training-figure.js';
import { count } from '../data/format-number.js';
import { html, type Markup } from '../data/html.js';
import type { TrainingCurves } from '../data/report-data.js';

/** Losses and validation AUC over the epochs, for each group. */
export function trainingSection(all: readonly TrainingCurves[]): Markup {
  const ranges = { loss: trainingRange(all, LOSS_LINES), auc: trainingRange(all, AUC_LINES) };
  const missing = all.reduce((sum, curves) => sum + curves.missing, 0);
  return html`<section id="training" aria-labelledby="training-h">
    <h2 id="training-h">Training</h2>
    <p class="lead">
      Thin lines are individual folds, the thick line is their mean over the folds that reached the epoch.
      Marks at the bottom: the epoch whose weights a fold kept. All charts of a kind have the same scale.
      ${missing > 0 && `The history of ${count(missing, 'training')} is not available.`}
    </p>
    <div class="panels wide">${all.map((curves) => panel(curves, ranges))}</div>
  </section>`;
}

function panel(curves: TrainingCurves, ranges: Record<'loss' | 'auc', readonly [number, number]>): Markup {
  const losses = LOSS_LINES.filter((line) => hasLine(curves, line));
  const aucs = AUC_LINES.filter((line) => hasLine(curves, line));
  return html`<figure class="chart">
    ${trainingFigure(curves, losses, 'Loss', ranges.loss)}
    ${aucs.length > 0 && trainingFigure(curves, aucs, 'Validation AUC', ranges.auc)}
    <figcaption>
      <strong>${curves.group}</strong>, ${count(curves.folds.length, 'fold')}. ${legend(losses)}
    </figcaption>
  </figure>`;
}

function legend(lines: readonly TrainingLine[]): Markup {
  return html`${lines.map(({ label, series }) => html`<span class="legend">${seriesKey(series)}${label}</span> `)}`;
}
