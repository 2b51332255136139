import { bootstrapIntervals, type BootstrapInterval } from '../../statistics/bootstrap.js';
import {
  brierScore,
  calibrationBins,
  expectedCalibrationError,
  logLoss,
  type CalibrationBin,
} from '../../statistics/calibration.js';
import { thresholdedMetrics } from '../../statistics/confusion.js';
import { delongAuc } from '../../statistics/delong.js';
import { auc, averagePrecision } from '../../statistics/ranking.js';
import { youdenPoint } from '../../statistics/roc.js';
import { evaluateClasses, type SeveralClasses } from './evaluate-classes.js';

export type Protocol = 'honest' | 'paper';

/** Model output for one slide or patient. */
export interface Prediction {
  key: string;
  /** The patient of a slide, at the level of slides. */
  patient?: string;
  /** Number of slides of a patient, at the level of patients. */
  slides?: number;
  /** Class index. */
  label: number;
  /** One per class, summing to 1. */
  probabilities: number[];
}

/**
 * Metrics that need no threshold. null: undefined, because a class has no slides. With more than two classes,
 * AUC and average precision are macro means of the classes against the rest.
 */
export interface RankMetrics {
  auc: number | null;
  average_precision: number | null;
  log_loss: number;
  /** 0 to 1; with more than two classes, summed over the classes, 0 to 2. */
  brier: number | null;
  /** With more than two classes, of the most probable class. */
  expected_calibration_error: number | null;
  calibration: CalibrationBin[];
}

/**
 * Metrics of positive and negative calls, for the positive class except in `macro`. null: undefined, because
 * a class has no slides or is never called.
 */
export interface CalledMetrics {
  /**
   * Slides with at least this score are called positive. null: no slide is, or the most probable class is
   * called.
   */
  threshold: number | null;
  threshold_from: string;
  /** Why these numbers overestimate the performance on new slides. Absent where they do not. */
  optimistic?: string;
  accuracy: number;
  balanced_accuracy: number;
  precision: number | null;
  recall: number | null;
  specificity: number | null;
  f1: number | null;
  /** confusion[true][called]. */
  confusion: number[][];
  macro: { precision: number | null; recall: number | null; f1: number | null };
}

export interface Interval {
  low: number;
  high: number;
}

export interface Evaluation {
  slides: number;
  counts: Record<string, number>;
  rank: RankMetrics;
  protocols: Record<Protocol, CalledMetrics>;
  /** Only with more than two classes. */
  several?: SeveralClasses;
  /** 95 % intervals. Absent where a class has too few slides. */
  intervals: { delong_auc?: Interval; bootstrap?: Record<string, Interval>; bootstrap_replicates?: number };
}

export interface EvaluationOptions {
  classes: readonly string[];
  /** The classes are an ordered scale, which gives a quadratic kappa. Only for more than two. */
  ordered?: boolean;
  protocol: Protocol;
  /** Source of the honest protocol's threshold. */
  threshold: 'validation' | 'half' | { value: number; from: string };
  bootstrap: number;
  /** Names that seed the bootstrap's random stream. */
  stream: readonly (string | number)[];
}

/**
 * Computes every metric of one fold under both protocols.
 *
 * honest: the threshold maximizes Youden's index on the validation set, or is 0.5 if that has fewer than 5
 * slides of a class. paper: the threshold maximizes Youden's index on the scored fold itself, like the
 * published benchmark; labeled optimistic. With more than two classes, both call the most probable class.
 *
 * @param scored slides to be scored
 * @param validation slides from which the honest threshold may be derived
 */
export function evaluatePredictions(
  scored: readonly Prediction[],
  validation: readonly Prediction[],
  options: EvaluationOptions,
): Evaluation {
  const { classes, ordered = false } = options;
  const counts = Object.fromEntries(
    classes.map((name, k) => [name, scored.filter(({ label }) => label === k).length]),
  );
  const head = { slides: scored.length, counts };
  if (classes.length > 2) return { ...head, ...evaluateClasses(scored, { ...options, ordered }) };
  const { scores, labels } = asBinary(scored);
  const protocols = {
    honest: called(scores, labels, honestThreshold(validation, options.threshold)),
    paper: called(scores, labels, paperThreshold(scores, labels)),
  };
  const threshold = protocols[options.protocol].threshold ?? Infinity;
  return {
    ...head,
    rank: rankMetrics(scores, labels),
    protocols,
    intervals: computeIntervals(scores, labels, threshold, options),
  };
}

interface Threshold {
  value: number;
  from: string;
  optimistic?: string;
}

/**
 * Minimum number of validation slides per class. With fewer, one or two scores would determine the threshold.
 */
const MIN_PER_CLASS = 5;

function honestThreshold(
  validation: readonly Prediction[],
  source: EvaluationOptions['threshold'],
): Threshold {
  if (typeof source === 'object') return source;
  const half = (why?: string): Threshold => ({
    value: 0.5,
    from: why ? `fixed at 0.5: ${why}` : 'fixed at 0.5',
  });
  if (source === 'half') return half();
  if (validation.length === 0) return half('no validation set');
  const { scores, labels } = asBinary(validation);
  const positives = labels.filter((label) => label === 1).length;
  const least = Math.min(positives, labels.length - positives);
  if (least < MIN_PER_CLASS) return half(`only ${least} validation slides of a class`);
  const point = youdenPoint(scores, labels);
  // An infinite threshold would call nothing positive: the validation set is ranked no better than by chance.
  if (point === undefined || point.threshold === Infinity)
    return half('the validation set gives no threshold');
  return { value: point.threshold, from: `Youden on ${validation.length} validation slides` };
}

function paperThreshold(scores: readonly number[], labels: readonly number[]): Threshold {
  const optimistic = 'the threshold is chosen on the very slides that are scored';
  const point = youdenPoint(scores, labels);
  if (point === undefined) return { value: 0.5, from: 'fixed at 0.5: one class only in the scored fold' };
  return { value: point.threshold, from: 'Youden on the scored fold', optimistic };
}

function asBinary(predictions: readonly Prediction[]): { scores: number[]; labels: number[] } {
  return {
    scores: predictions.map(({ probabilities }) => probabilities[1]),
    labels: predictions.map(({ label }) => label),
  };
}

function rankMetrics(scores: readonly number[], labels: readonly number[]): RankMetrics {
  const calibration = calibrationBins(scores, labels);
  return {
    auc: defined(auc(scores, labels)),
    average_precision: defined(averagePrecision(scores, labels)),
    log_loss: logLoss(scores, labels),
    brier: brierScore(scores, labels),
    expected_calibration_error: expectedCalibrationError(calibration),
    calibration,
  };
}

function called(scores: readonly number[], labels: readonly number[], threshold: Threshold): CalledMetrics {
  const { tp, fp, fn, tn, ...rates } = thresholdedMetrics(scores, labels, threshold.value);
  return {
    threshold: defined(threshold.value),
    threshold_from: threshold.from,
    ...(threshold.optimistic === undefined ? {} : { optimistic: threshold.optimistic }),
    accuracy: rates.accuracy,
    balanced_accuracy: rates.balancedAccuracy,
    precision: defined(rates.precision),
    recall: defined(rates.recall),
    specificity: defined(rates.specificity),
    f1: defined(rates.f1),
    confusion: [
      [tn, fp],
      [fn, tp],
    ],
    macro: {
      precision: defined(rates.macro.precision),
      recall: defined(rates.macro.recall),
      f1: defined(rates.macro.f1),
    },
  };
}

function computeIntervals(
  scores: readonly number[],
  labels: readonly number[],
  threshold: number,
  { bootstrap, stream }: EvaluationOptions,
): Evaluation['intervals'] {
  const positives = labels.filter((label) => label === 1).length;
  const smallest = Math.min(positives, labels.length - positives);
  if (smallest === 0) return {};
  const drawn: Record<string, BootstrapInterval> =
    bootstrap === 0
      ? {}
      : bootstrapIntervals(scores, labels, bootstrap, stream, (s, l) => {
          const { accuracy, precision, recall, specificity, f1, balancedAccuracy } = thresholdedMetrics(
            s,
            l,
            threshold,
          );
          return {
            auc: auc(s, l),
            average_precision: averagePrecision(s, l),
            accuracy,
            balanced_accuracy: balancedAccuracy,
            precision,
            recall,
            specificity,
            f1,
          };
        });
  const delong = smallest < 2 ? undefined : delongAuc(scores, labels);
  return {
    // Perfect or perfectly wrong ranks have variance 0. An interval of zero width would claim more than a few
    // slides can show.
    ...(delong && delong.sd > 0 ? { delong_auc: { low: delong.wald95[0], high: delong.wald95[1] } } : {}),
    ...(bootstrap === 0 ? {} : { bootstrap: drawn, bootstrap_replicates: bootstrap }),
  };
}

/** JSON has neither NaN nor Infinity. */
function defined(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
