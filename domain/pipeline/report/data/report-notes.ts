import { group } from 'd3-array';
import { firstNames } from '../../../mil/bags/first-names.js';
import { count } from './format-number.js';
import type { EvaluatedFold } from './evaluated-fold.js';
import type { FoldResult, ReportData, StepWarning } from './report-data.js';

/** Reason as `mil.split` gives it. */
const NO_LABEL = 'no label';

/** With fewer scored slides per fold, one misclassified slide moves the AUC by whole percentage points. */
const FEW_SLIDES = 30;

type Noted = Pick<ReportData, 'evaluations' | 'folds' | 'heatmaps' | 'left' | 'cohort' | 'warnings'>;
/** Says that rows are split by fields on which evaluations of one group differ. */
export function splitNotes(axes: readonly string[]): string[] {
  if (axes.length === 0) return [];
  const names = axes.map((axis) => `\`${axis}\``).join(', ');
  return [
    `The rows are also split by ${names}, on which evaluations of one group differ. Add ${axes.length === 1 ? 'it' : 'them'} to the \`group-by\` of the report.`,
  ];
}

/** Says that sweeps have charts of AUC and F1 only. */
export function sweepNotes(
  swept: readonly string[],
  { evaluations, folds }: Pick<ReportData, 'evaluations' | 'folds'>,
): string[] {
  if (swept.length === 0 || folds.length === evaluations.length) return [];
  const names = swept.map((name) => `\`${name}\``).join(', ');
  return [
    `The \`sweep\` of ${names} has charts for classification only. For survival and regression, compare the rows of the tables.`,
  ];
}

/** Derives warnings about the reliability of the results from the results. */
export function automaticNotes(data: Noted): string[] {
  const { evaluations, folds, heatmaps, left } = data;
  const notes = [...patientNotes(data), ...trainingNotes(evaluations), ...warningNotes(data)];
  const unlabeled = left.filter(({ reason }) => reason.startsWith(NO_LABEL)).length;
  if (unlabeled > 0) {
    notes.push(
      `${count(unlabeled, 'slide')} had no label and ${unlabeled === 1 ? 'is' : 'are'} not included in the results. See Left out below.`,
    );
  }
  notes.push(...smallFolds(evaluations));
  const mixed = mixedGroups(evaluations);
  if (mixed.length > 0) {
    notes.push(
      `These groups contain several results for the same fold: ${mixed.join(', ')}. Their means combine evaluations that differ in a field missing from the \`group-by\` of the report.`,
    );
  }
  if (evaluations.some(({ metrics }) => metrics.selection.optimistic)) {
    const either = folds.length > 0 ? ' under either threshold' : '';
    notes.push(
      `Some epochs were selected on the scored slides. The results marked optimistic are too good${either}.`,
    );
  }
  // With more classes, the most probable one is called, without a threshold.
  if (folds.some(({ metrics }) => metrics.protocol === 'paper' && metrics.classes.length === 2)) {
    notes.push(
      'The paper protocol uses the published rule: it selects the Youden threshold on the scored fold. Its F1, accuracy and rates are optimistic.',
    );
  }
  notes.push(...absentClasses(folds));
  if (heatmaps.length > 0 && heatmaps.every(({ set }) => set === null)) {
    notes.push(
      'It is unknown whether the heatmap slides were used for training. Pass `splits` to mil.heatmap to record their set.',
    );
  }
  return notes;
}

function smallFolds(evaluations: readonly EvaluatedFold[]): string[] {
  const [least] = evaluations.map(({ metrics }) => metrics).sort((a, b) => a.slides - b.slides);
  if (least === undefined || least.slides >= FEW_SLIDES) return [];
  const { slides, level, endpoint } = least;
  const effect =
    endpoint === 'classification'
      ? `one misclassified ${level} changes the result of a fold by several percentage points`
      : `a single ${level} changes the result of a fold considerably`;
  return [
    `The folds are small (the smallest has ${count(slides, `scored ${level}`)}): ${effect}. Rely on the confidence intervals, not on the digits.`,
  ];
}

function patientNotes({ cohort: { patients } }: Pick<ReportData, 'cohort'>): string[] {
  if (patients === null || patients.grouped) return [];
  return [
    'Slides were divided into sets without regard to patients, because mil.split had no `group-column`. If a patient has several slides, some may be in training and others in the test set, and the results are too high.',
  ];
}

/**
 * What happened in training instead of what the pipeline requested, such as a choice of epochs without AUC.
 */
function trainingNotes(folds: readonly EvaluatedFold[]): string[] {
  return [...countFoldNotes(folds)].map(
    ([note, cells]) => `In ${cells} of ${count(folds.length, 'evaluation')}, ${note}.`,
  );
}

/** Notes of the trainings and the number of folds that each applies to. */
export function countFoldNotes(folds: readonly EvaluatedFold[]): Map<string, number> {
  const notes = new Map<string, number>();
  for (const { metrics } of folds) {
    const { note } = metrics.training;
    if (typeof note === 'string') notes.set(note, (notes.get(note) ?? 0) + 1);
  }
  return notes;
}

/** More warnings than this are only counted. */
const MOST_WARNINGS = 5;

/** Warnings of the steps that made splits, models and scores; the section Warnings has all of them. */
function warningNotes({ warnings, evaluations }: Pick<ReportData, 'warnings' | 'evaluations'>): string[] {
  const shown = new Set(countFoldNotes(evaluations).keys());
  const others = warnings.filter(({ text }) => !shown.has(text));
  const ofResults = others.filter(({ activity }) => activity.startsWith('mil.')).slice(0, MOST_WARNINGS);
  const more = others.length - ofResults.length;
  const texts = [...group(ofResults, ({ text }) => text)];
  return [
    ...texts.map(([text, steps]) => `${steps.map(stepName).join(', ')} warned: ${text}`),
    ...(more > 0
      ? [`${count(more, 'more warning')} ${more === 1 ? 'is' : 'are'} listed below under Warnings.`]
      : []),
  ];
}

function stepName({ stage, items }: StepWarning): string {
  return `${stage}${items.length > 1 ? ` (${items.length} items)` : ''}`;
}

/** Which folds lack which class, and what is therefore left out of the means. */
function absentClasses(folds: readonly FoldResult[]): string[] {
  const places = folds.flatMap(({ metrics: { repeat, fold, counts } }) =>
    Object.keys(counts).flatMap((name) =>
      counts[name] > 0 ? [] : [`${name} in fold ${fold} of repeat ${repeat}`],
    ),
  );
  if (places.length === 0) return [];
  const named = firstNames([...new Set(places)]);
  if (folds.every(({ metrics }) => Object.keys(metrics.counts).length > 2)) {
    return [
      `Some folds have no slides of a class: ${named}. The AUC, average precision and sensitivity of that class are undefined there. Macro AUC, macro average precision and balanced accuracy are means over the other classes.`,
    ];
  }
  return [
    `Some folds have no slides of a class: ${named}. Their AUC, and the precision, recall and F1 of that class, are undefined and left out of the means, also out of the means over classes.`,
  ];
}

/** Groups in which one fold of one repeat was evaluated more than once. */
function mixedGroups(folds: readonly EvaluatedFold[]): string[] {
  const seen = new Set<string>();
  const mixed = new Set<string>();
  for (const { group, metrics } of folds) {
    const place = JSON.stringify([group, metrics.repeat, metrics.fold]);
    if (seen.has(place)) mixed.add(group);
    seen.add(place);
  }
  return [...mixed];
}
