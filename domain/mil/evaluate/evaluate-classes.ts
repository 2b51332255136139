import { SamMilError } from '../../errors.js';
import type { BootstrapInterval } from '../../statistics/bootstrap.js';
import { topLabelCalibration } from '../../statistics/classes/class-calibration.js';
import type { Estimate } from '../../statistics/estimate.js';
import {
  CALIBRATION_BINS,
  CLASS_METRICS,
  classIntervals,
  measureClasses,
  type ClassMetric,
  type ClassScale,
  type MeasuredClasses,
  type OverallMetric,
} from './measure-classes.js';

/** Metrics that only more than two classes have. null: undefined, for the reason in `undefined`. */
export interface SeveralClasses extends Record<SeveralMetric, number | null> {
  /** The classes are an ordered scale, from low to high. */
  ordered: boolean;
  per_class: Record<string, OneClass>;
  /** Why a metric over all classes is undefined, also one of `rank` and `protocols`. */
  undefined: Partial<Record<OverallMetric, string>>;
}

/** One class against the others. */
export interface OneClass extends Record<ClassMetric, number | null> {
  slides: number;
  called: number;
  /** 95 % bootstrap intervals. */
  intervals: Partial<Record<ClassMetric, BootstrapInterval>>;
  undefined: Partial<Record<ClassMetric, string>>;
}

/** Metrics of {@link SeveralClasses}, besides those that two classes have too. */
export const SEVERAL_METRICS = [
  'auc_weighted',
  'auc_one_vs_one',
  'f1_weighted',
  'kappa',
  'quadratic_kappa',
  'mcc',
  'maximum_calibration_error',
] as const;
export type SeveralMetric = (typeof SEVERAL_METRICS)[number];

/**
 * Evaluates more than two classes. Both protocols call the most probable class, so their numbers are equal.
 * AUC is the macro mean of the classes against the rest; precision, recall and F1 are macro means.
 * @throws SamMilError InvalidInput where no slide is scored
 */
export function evaluateClasses(
  scored: readonly { label: number; probabilities: number[] }[],
  options: ClassScale & { bootstrap: number; stream: readonly (string | number)[] },
) {
  const { classes, bootstrap, stream } = options;
  const labels = scored.map(({ label }) => label);
  const probabilities = scored.map((prediction) => prediction.probabilities);
  const measured = measureClasses({ probabilities, labels }, options);
  const { overall } = measured;
  const drawn = classIntervals({ repeats: [probabilities], labels }, options, bootstrap, stream);
  const called = calledMetrics(measured);
  const calibration = topLabelCalibration(
    { probabilities, labels, classes: classes.length },
    CALIBRATION_BINS,
  );
  return {
    rank: {
      auc: overall.auc.value,
      average_precision: overall.average_precision.value,
      log_loss: valueOf(overall.log_loss),
      brier: overall.brier.value,
      expected_calibration_error: overall.expected_calibration_error.value,
      calibration: calibration.bins,
    },
    protocols: { honest: called, paper: called },
    several: describeClasses(measured, options, drawn.perClass),
    intervals:
      bootstrap === 0 ? {} : { bootstrap: definedOnly(drawn.overall), bootstrap_replicates: bootstrap },
  };
}

/** Of a metric that only an empty set does not define. */
function valueOf(estimate: Estimate): number {
  if (estimate.value === null) throw new SamMilError('InvalidInput', `nothing to score: ${estimate.why}`);
  return estimate.value;
}

function describeClasses(
  measured: MeasuredClasses,
  { classes, ordered }: ClassScale,
  intervals: readonly OneClass['intervals'][],
): SeveralClasses {
  const { overall } = measured;
  return {
    ordered,
    ...(pickValues(overall, SEVERAL_METRICS) as Record<SeveralMetric, number | null>),
    per_class: Object.fromEntries(classes.map((name, k) => [name, oneClass(measured, k, intervals[k])])),
    undefined: reasons(overall),
  };
}

function calledMetrics({ overall, matrix }: MeasuredClasses) {
  const macro = {
    precision: overall.precision.value,
    recall: overall.recall.value,
    f1: overall.f1.value,
  };
  return {
    threshold: null,
    threshold_from: 'the most probable class',
    accuracy: valueOf(overall.accuracy),
    balanced_accuracy: valueOf(overall.balanced_accuracy),
    ...macro,
    specificity: null,
    confusion: matrix,
    macro,
  };
}

function oneClass(
  { perClass, rates }: MeasuredClasses,
  k: number,
  intervals: Partial<Record<ClassMetric, BootstrapInterval>>,
): OneClass {
  const { support, called } = rates[k];
  return {
    slides: support,
    called,
    ...(pickValues(perClass[k], CLASS_METRICS) as Record<ClassMetric, number | null>),
    intervals,
    undefined: reasons(perClass[k]),
  };
}

function pickValues<Name extends string>(
  estimates: Record<Name, Estimate>,
  names: readonly Name[],
): Partial<Record<Name, number | null>> {
  const entries = names.map((name) => [name, estimates[name].value]);
  return Object.fromEntries(entries) as Partial<Record<Name, number | null>>;
}

function reasons<Name extends string>(estimates: Record<Name, Estimate>): Partial<Record<Name, string>> {
  const entries = Object.entries<Estimate>(estimates).flatMap(([name, estimate]) =>
    estimate.value === null ? [[name, estimate.why]] : [],
  );
  return Object.fromEntries(entries) as Partial<Record<Name, string>>;
}

function definedOnly(
  intervals: Partial<Record<OverallMetric, BootstrapInterval>>,
): Record<string, BootstrapInterval> {
  return Object.fromEntries(
    Object.entries(intervals).flatMap(([name, interval]) => (interval ? [[name, interval]] : [])),
  );
}
