import { count } from './format-number.js';
import type { ReportData } from './report-data.js';

type Described = Pick<ReportData, 'rows' | 'folds' | 'cohort' | 'slides' | 'gallery' | 'evaluated'>;

/** More models are counted instead of named. */
const MOST_NAMED = 4;

/** A heading that follows from the data: `abmil, sam-mil on 24 slides`. */
export function describeCohort({ folds, cohort, slides, gallery, evaluated }: Described): string {
  if (!evaluated) return `Preprocessing of ${count(Math.max(slides.length, gallery.length), 'slide')}`;
  const models = [...new Set(folds.map(({ metrics }) => metrics.model))];
  if (models.length === 0) return 'No evaluated model';
  const named = models.length <= MOST_NAMED ? models.join(', ') : count(models.length, 'model');
  return `${named} on ${count(countSlides(cohort), scoredLevel(folds))}`;
}

export function countSlides({ classes }: Pick<ReportData['cohort'], 'classes'>): number {
  return classes.reduce((sum, [, slides]) => sum + slides, 0);
}

/** What was evaluated, from the evaluations themselves: `24 slides (12 normal, 12 tumor)`, `3 x 3 folds`. */
export function listDataFacts({ folds, cohort }: Pick<ReportData, 'folds' | 'cohort'>): string[] {
  if (folds.length === 0) return [];
  const classes = cohort.classes.map(([name, slides]) => `${slides} ${name}`).join(', ');
  const { patients } = cohort;
  return [
    `${count(countSlides(cohort), `scored ${scoredLevel(folds)}`)} (${classes})`,
    ...positiveClass(folds),
    ...(patients?.grouped === true ? [count(patients.count, 'patient')] : []),
    describeFolds(folds),
  ];
}

/** Evaluations with `level: patient` score patients. */
function scoredLevel(folds: ReportData['folds']): string {
  return folds.every(({ metrics }) => metrics.training.level === 'patient') ? 'patient' : 'slide';
}

/** Sensitivity, precision and F1 are those of this class. */
function positiveClass(folds: ReportData['folds']): string[] {
  const positive = [...new Set(folds.map(({ metrics }) => metrics.positive))];
  const [name] = positive;
  return positive.length === 1 && typeof name === 'string' ? [`positive class ${name}`] : [];
}

function describeFolds(folds: ReportData['folds']): string {
  const byRepeat = new Map<number, Set<number>>();
  for (const { metrics } of folds) {
    byRepeat.set(metrics.repeat, (byRepeat.get(metrics.repeat) ?? new Set()).add(metrics.fold));
  }
  const sizes = [...new Set([...byRepeat.values()].map(({ size }) => size))].sort((a, b) => a - b);
  return `${count(byRepeat.size, 'repeat')} of ${sizes.join(' to ')} ${sizes.length === 1 && sizes[0] === 1 ? 'fold' : 'folds'}`;
}
