import { count } from './format-number.js';
import { NO_LABEL } from './read-dropped.js';
import type { FoldResult, HeatmapResult, LeftOut } from './report-data.js';

/** With fewer scored slides per fold, one misclassified slide moves the AUC by whole percentage points. */
const FEW_SLIDES = 30;

/** Says that rows are split by fields on which evaluations of one group differ. */
export function splitNotes(axes: readonly string[]): string[] {
  if (axes.length === 0) return [];
  const names = axes.map((axis) => `\`${axis}\``).join(', ');
  return [
    `The rows are also split by ${names}, on which evaluations of one group differ. Add ${axes.length === 1 ? 'it' : 'them'} to the \`group-by\` of the report.`,
  ];
}

/** Derives warnings about the reliability of the results from the results. */
export function automaticNotes(
  folds: readonly FoldResult[],
  heatmaps: readonly HeatmapResult[],
  left: readonly LeftOut[],
): string[] {
  const notes: string[] = [];
  const unlabeled = left.filter(({ reason }) => reason === NO_LABEL).length;
  if (unlabeled > 0) {
    notes.push(
      `${count(unlabeled, 'slide')} had no label and ${unlabeled === 1 ? 'is' : 'are'} not included in the results. See Left out below.`,
    );
  }
  const least = Math.min(...folds.map(({ metrics }) => metrics.slides));
  if (least < FEW_SLIDES) {
    notes.push(
      `The folds are small (the smallest has ${least} scored slides): one misclassified slide changes the result of a fold by several percentage points. Rely on the confidence intervals, not on the digits.`,
    );
  }
  const mixed = mixedGroups(folds);
  if (mixed.length > 0) {
    notes.push(
      `These groups contain several results for the same fold: ${mixed.join(', ')}. Their means combine evaluations that differ in a field missing from the \`group-by\` of the report.`,
    );
  }
  if (folds.some(({ metrics }) => metrics.selection.optimistic)) {
    notes.push(
      'Some epochs were selected on the scored slides. The results marked optimistic are too high under either threshold.',
    );
  }
  if (folds.some(({ metrics }) => metrics.protocol === 'paper')) {
    notes.push(
      'The paper protocol uses the published rule: it selects the Youden threshold on the scored fold. Its F1, accuracy and rates are optimistic.',
    );
  }
  if (folds.some(({ metrics }) => metrics.rank.auc === null)) {
    notes.push(
      'Some folds contain slides of only one class. Their AUC is undefined and excluded from the means.',
    );
  }
  if (heatmaps.length > 0 && heatmaps.every(({ set }) => set === null)) {
    notes.push(
      'It is unknown whether the heatmap slides were used for training. Pass `splits` to mil.heatmap to record their set.',
    );
  }
  return notes;
}

/** Groups in which one fold of one repeat was evaluated more than once. */
function mixedGroups(folds: readonly FoldResult[]): string[] {
  const seen = new Set<string>();
  const mixed = new Set<string>();
  for (const { group, metrics } of folds) {
    const place = JSON.stringify([group, metrics.repeat, metrics.fold]);
    if (seen.has(place)) mixed.add(group);
    seen.add(place);
  }
  return [...mixed];
}
