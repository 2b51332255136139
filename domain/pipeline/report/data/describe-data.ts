import { count } from './format-number.js';
import type { ReportData } from './report-data.js';

type Described = Pick<
  ReportData,
  'evaluations' | 'cohort' | 'slides' | 'gallery' | 'evaluated' | 'predictions'
>;

/** More models are counted instead of named. */
const MOST_NAMED = 4;

/** A heading that follows from the data: `abmil, sam-mil on 24 slides`. */
export function describeCohort(data: Described): string {
  const { evaluations, cohort, slides, gallery, evaluated, predictions } = data;
  if (!evaluated && predictions.length > 0) {
    const [{ model, rows, level }] = predictions;
    return `Predictions of ${model} for ${count(rows.length, level)}`;
  }
  if (!evaluated) return `Preprocessing of ${count(Math.max(slides.length, gallery.length), 'slide')}`;
  const models = [...new Set(evaluations.map(({ metrics }) => metrics.model))];
  if (models.length === 0) return 'No evaluated model';
  const named = models.length <= MOST_NAMED ? models.join(', ') : count(models.length, 'model');
  return `${named} on ${count(countSlides(cohort), scoredLevel(evaluations))}`;
}

export function countSlides({ classes, scored }: Pick<ReportData['cohort'], 'classes' | 'scored'>): number {
  return classes.reduce((sum, [, slides]) => sum + slides, scored);
}

/** What was evaluated, from the evaluations themselves: `24 slides (12 normal, 12 tumor)`, `3 x 3 folds`. */
export function listDataFacts({ evaluations, cohort }: Pick<ReportData, 'evaluations' | 'cohort'>): string[] {
  if (evaluations.length === 0) return [];
  const { patients } = cohort;
  return [
    `${count(countSlides(cohort), `scored ${scoredLevel(evaluations)}`)}${describeOutcomes(evaluations, cohort)}`,
    ...positiveClass(evaluations),
    ...(patients?.grouped === true ? [count(patients.count, 'patient')] : []),
    describeFolds(evaluations),
  ];
}

function describeOutcomes(evaluations: ReportData['evaluations'], cohort: ReportData['cohort']): string {
  const classes = cohort.classes.map(([name, slides]) => `${slides} ${name}`);
  const quantities = evaluations.flatMap(({ metrics }) =>
    metrics.endpoint === 'survival'
      ? [`${cohort.events} with the event; time: ${metrics.time}`]
      : metrics.endpoint === 'regression'
        ? [`value: ${metrics.value}`]
        : [],
  );
  return ` (${[...classes, ...new Set(quantities)].join(', ')})`;
}

/** Evaluations with `level: patient` score patients. */
function scoredLevel(folds: ReportData['evaluations']): string {
  return folds.every(({ metrics }) => metrics.level === 'patient') ? 'patient' : 'slide';
}

/** Sensitivity, precision and F1 are those of this class. */
function positiveClass(folds: ReportData['evaluations']): string[] {
  const positive = [
    ...new Set(folds.map(({ metrics }) => (metrics.endpoint === 'classification' ? metrics.positive : null))),
  ];
  const [name] = positive;
  return positive.length === 1 && typeof name === 'string' ? [`positive class ${name}`] : [];
}

function describeFolds(folds: ReportData['evaluations']): string {
  const byRepeat = new Map<number, Set<number>>();
  for (const { metrics } of folds) {
    byRepeat.set(metrics.repeat, (byRepeat.get(metrics.repeat) ?? new Set()).add(metrics.fold));
  }
  const sizes = [...new Set([...byRepeat.values()].map(({ size }) => size))].sort((a, b) => a - b);
  return `${count(byRepeat.size, 'repeat')} of ${sizes.join(' to ')} ${sizes.length === 1 && sizes[0] === 1 ? 'fold' : 'folds'}`;
}
