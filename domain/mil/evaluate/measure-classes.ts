import { bootstrapRows, strataOf, type BootstrapInterval } from '../../statistics/bootstrap.js';
import { kappa, matthewsCorrelation, quadraticKappa } from '../../statistics/classes/agreement.js';
import { classLosses, topLabelCalibration } from '../../statistics/classes/class-calibration.js';
import {
  classAveragePrecision,
  oneVersusOneAuc,
  oneVersusRestAuc,
} from '../../statistics/classes/class-ranking.js';
import { classRates, type ClassRate } from '../../statistics/classes/class-rates.js';
import { mostProbable, type ClassScores } from '../../statistics/classes/class-scores.js';
import { countCalls } from '../../statistics/confusion.js';
import { undefinedBecause, type Estimate } from '../../statistics/estimate.js';

/** Metrics over all of more than two classes, in the order of the tables. */
export const OVERALL_METRICS = [
  'auc',
  'auc_weighted',
  'auc_one_vs_one',
  'average_precision',
  'accuracy',
  'balanced_accuracy',
  'precision',
  'recall',
  'f1',
  'f1_weighted',
  'kappa',
  'quadratic_kappa',
  'mcc',
  'log_loss',
  'brier',
  'expected_calibration_error',
  'maximum_calibration_error',
] as const;
export type OverallMetric = (typeof OVERALL_METRICS)[number];

/** Metrics of one class against the others. */
export const CLASS_METRICS = ['auc', 'average_precision', 'recall', 'precision', 'f1'] as const;
export type ClassMetric = (typeof CLASS_METRICS)[number];

export interface MeasuredClasses {
  overall: Record<OverallMetric, Estimate>;
  /** In the order of the classes. */
  perClass: Record<ClassMetric, Estimate>[];
  /** matrix[true][called]: number of slides. */
  matrix: number[][];
  rates: ClassRate[];
}

/** What the classes are called, and whether they are an ordered scale such as grades. */
export interface ClassScale {
  classes: readonly string[];
  ordered: boolean;
}

/** Bins of the reliability diagram, as with two classes. */
export const CALIBRATION_BINS = 10;

/**
 * Every metric of more than two classes; the most probable class is called. An undefined metric has its
 * reason.
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function measureClasses(scores: Omit<ClassScores, 'classes'>, scale: ClassScale): MeasuredClasses {
  const given = { ...scores, classes: scale.classes.length };
  const matrix = countCalls(given.probabilities.map(mostProbable), given.labels, given.classes);
  const rates = classRates(matrix);
  const rest = oneVersusRestAuc(given);
  const precision = classAveragePrecision(given);
  const pairs = oneVersusOneAuc(given);
  const { ece, mce } = topLabelCalibration(given, CALIBRATION_BINS);
  const { logLoss, brier } = classLosses(given);
  return {
    overall: {
      auc: rest.macro,
      auc_weighted: rest.weighted,
      auc_one_vs_one: pairs.macro,
      average_precision: precision.macro,
      accuracy: rates.accuracy,
      balanced_accuracy: rates.balancedAccuracy,
      ...rates.macro,
      f1_weighted: rates.weighted.f1,
      kappa: kappa(matrix),
      quadratic_kappa: scale.ordered ? quadraticKappa(matrix) : undefinedBecause(UNORDERED),
      mcc: matthewsCorrelation(matrix),
      log_loss: logLoss,
      brier,
      expected_calibration_error: ece,
      maximum_calibration_error: mce,
    },
    perClass: rates.perClass.map((rate, k) => ({
      auc: named(rest.auc[k], rate, scale.classes[k]),
      average_precision: named(precision.averagePrecision[k], rate, scale.classes[k]),
      ...definedRates(rate, scale.classes[k]),
    })),
    matrix,
    rates: rates.perClass,
  };
}

export const UNORDERED = 'the classes are not an ordered scale: `ordered` of mil.evaluate is false';

function named(estimate: Estimate, { support }: ClassRate, name: string): Estimate {
  if (estimate.value !== null) return estimate;
  return undefinedBecause(
    support === 0 ? `no slide of class ${name}` : `no slide of a class besides ${name}`,
  );
}

/** The rates of one class. {@link classRates} counts 0 / 0 as 0 in means; the rate itself is undefined. */
function definedRates(
  { support, called, recall, precision, f1 }: ClassRate,
  name: string,
): Record<'recall' | 'precision' | 'f1', Estimate> {
  const none = (why: string) => undefinedBecause(why);
  return {
    recall: support === 0 ? none(`no slide of class ${name}`) : { value: recall },
    precision: called === 0 ? none(`no slide is called ${name}`) : { value: precision },
    f1: support + called === 0 ? none(`no slide of class ${name}, and none is called so`) : { value: f1 },
  };
}

/** 95 % percentile bootstrap intervals; a metric without any defined replicate has none. */
export interface ClassIntervals {
  overall: Partial<Record<OverallMetric, BootstrapInterval>>;
  perClass: Partial<Record<ClassMetric, BootstrapInterval>>[];
}

/**
 * Bootstraps every metric, with slides drawn within each class. With several repeats of the same slides, each
 * replicate draws the same slides from all of them, and the statistic is the mean over the repeats: repeats
 * are not additional slides.
 *
 * @param repeats one matrix of probabilities per repeat, rows in the order of `labels`
 * @param names of the random stream
 */
export function classIntervals(
  { repeats, labels }: { repeats: readonly (readonly (readonly number[])[])[]; labels: readonly number[] },
  scale: ClassScale,
  replicates: number,
  names: readonly (string | number)[],
): ClassIntervals {
  const drawn = bootstrapRows(strataOf(labels), replicates, names, (rows) => {
    const sampled = Array.from(rows, (row) => labels[row]);
    const measured = repeats.map((probabilities) =>
      flatten(
        measureClasses(
          { probabilities: Array.from(rows, (row) => probabilities[row]), labels: sampled },
          scale,
        ),
      ),
    );
    const means = Object.keys(measured[0]).map((name) => [name, meanOf(measured.map((one) => one[name]))]);
    return Object.fromEntries(means) as Record<string, number | null>;
  });
  const find = <Name extends string>(metrics: readonly Name[], prefix: string) =>
    Object.fromEntries(
      metrics.flatMap((name) => {
        const interval = drawn[`${prefix}${name}`];
        return interval === undefined ? [] : [[name, interval]];
      }),
    ) as Partial<Record<Name, BootstrapInterval>>;
  return {
    overall: find(OVERALL_METRICS, ''),
    perClass: scale.classes.map((_, k) => find(CLASS_METRICS, `${k} `)),
  };
}

function flatten({ overall, perClass }: MeasuredClasses): Record<string, number | null> {
  const flat: Record<string, number | null> = {};
  for (const name of OVERALL_METRICS) flat[name] = overall[name].value;
  perClass.forEach((metrics, k) => {
    for (const name of CLASS_METRICS) flat[`${k} ${name}`] = metrics[name].value;
  });
  return flat;
}

/** Null if a repeat does not define it. */
function meanOf(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum / values.length;
}
