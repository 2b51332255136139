import { checkScored, type Numbers } from './ranking.js';

/** One bin of a reliability diagram. `meanScore` and `positiveRate` are null if the bin is empty. */
export interface CalibrationBin {
  from: number;
  to: number;
  count: number;
  meanScore: number | null;
  positiveRate: number | null;
}

/**
 * Probabilities are clipped to [1e-15, 1 - 1e-15], so that a mistake with probability 1 costs 34.5 instead of
 * infinity.
 */
const EPSILON = 1e-15;

/** Mean negative log likelihood with the natural logarithm. `probabilities` are those of class 1. */
export function logLoss(probabilities: Numbers, labels: Numbers): number {
  checkScored(probabilities, labels);
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const clipped = Math.min(Math.max(probabilities[i], EPSILON), 1 - EPSILON);
    sum -= Math.log(labels[i] === 1 ? clipped : 1 - clipped);
  }
  return sum / labels.length;
}

/** Brier score (Brier 1950): mean squared difference between probability and outcome. */
export function brierScore(probabilities: Numbers, labels: Numbers): number {
  checkScored(probabilities, labels);
  let sum = 0;
  for (let i = 0; i < labels.length; i++) sum += (probabilities[i] - labels[i]) ** 2;
  return sum / labels.length;
}

/**
 * Reliability diagram with equal bins of [0, 1]. A probability on an inner boundary belongs to the upper bin.
 */
export function calibrationBins(probabilities: Numbers, labels: Numbers, bins = 10): CalibrationBin[] {
  checkScored(probabilities, labels);
  const sums = Array.from({ length: bins }, () => ({ count: 0, score: 0, positives: 0 }));
  for (let i = 0; i < labels.length; i++) {
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.floor(probabilities[i] * bins)))];
    bin.count++;
    bin.score += probabilities[i];
    bin.positives += labels[i];
  }
  return sums.map(({ count, score, positives }, i) => ({
    from: i / bins,
    to: (i + 1) / bins,
    count,
    meanScore: count === 0 ? null : score / count,
    positiveRate: count === 0 ? null : positives / count,
  }));
}

/**
 * Expected calibration error (Naeini et al. 2015): mean |score - rate| over the bins, weighted by the number
 * of slides.
 */
export function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  const total = bins.reduce((sum, bin) => sum + bin.count, 0);
  return bins.reduce(
    (sum, bin) => sum + (bin.count / total) * Math.abs((bin.meanScore ?? 0) - (bin.positiveRate ?? 0)),
    0,
  );
}

/** Maximum calibration error: the largest |score - rate| of the bins; 0 if all are empty. */
export function maximumCalibrationError(bins: readonly CalibrationBin[]): number {
  return Math.max(0, ...bins.map((bin) => Math.abs((bin.meanScore ?? 0) - (bin.positiveRate ?? 0))));
}
