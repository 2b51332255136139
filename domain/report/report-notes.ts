import type { FoldResult, HeatmapResult } from './report-data.js';

/** Fewer scored slides a fold than this make one slide's mistake move the AUC by whole points. */
const FEW_SLIDES = 30;

/** What the numbers themselves say about how far to trust them. */
export function automaticNotes(folds: readonly FoldResult[], heatmaps: readonly HeatmapResult[]): string[] {
  const notes: string[] = [];
  const least = Math.min(...folds.map(({ metrics }) => metrics.slides));
  if (least < FEW_SLIDES) {
    notes.push(
      `Folds are small (the smallest scores ${least} slides): one slide more or less right moves a fold by several points. Read the intervals, not the digits.`,
    );
  }
  if (folds.some(({ metrics }) => metrics.selection.optimistic)) {
    notes.push(
      'Some epochs were chosen on the very slides that are scored: those numbers are optimistic, under either protocol.',
    );
  }
  if (folds.some(({ metrics }) => metrics.protocol === 'paper')) {
    notes.push(
      'The threshold protocol asked for is the published one, Youden on the scored fold: F1, accuracy and the rates are optimistic.',
    );
  }
  if (folds.some(({ metrics }) => metrics.rank.auc === null)) {
    notes.push(
      'Some folds have slides of one class only; their AUC is not defined and is left out of the means.',
    );
  }
  if (heatmaps.length > 0 && heatmaps.every(({ set }) => set === null)) {
    notes.push(
      'It is not known whether the heatmap slides were trained on; give `split` to mil.heatmap to state it.',
    );
  }
  return notes;
}
