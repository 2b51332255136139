import {
  calibrationBins,
  expectedCalibrationError,
  logLoss,
  maximumCalibrationError,
  type CalibrationBin,
} from '../calibration.js';
import { undefinedBecause, type Estimate } from '../estimate.js';
import { checkClassScores, mostProbable, type ClassScores } from './class-scores.js';

/** Calibration of the most probable class. `bins`: score = confidence, rate = accuracy. */
export interface TopLabelCalibration {
  bins: CalibrationBin[];
  /** Expected calibration error: mean |accuracy - confidence|, weighted by the bags of the bins. */
  ece: Estimate;
  /** The largest of the bins. */
  mce: Estimate;
}

/** Probabilistic scores over all classes. */
export interface ClassLosses {
  /** Mean negative log likelihood, natural logarithm, probabilities clipped to [1e-15, 1 - 1e-15]. */
  logLoss: Estimate;
  /** Mean over the bags of the sum over the classes of (p - [label])^2, 0 to 2. */
  brier: Estimate;
}

/**
 * Top-label calibration (Guo et al. 2017): confidence = largest probability, right if that class is the
 * label. A confidence on a border belongs to the upper bin.
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function topLabelCalibration(scores: ClassScores, bins: number): TopLabelCalibration {
  checkClassScores(scores);
  const { probabilities, labels } = scores;
  const best = probabilities.map(mostProbable);
  const filled = calibrationBins(
    best.map((called, i) => probabilities[i][called]),
    best.map((called, i) => (called === labels[i] ? 1 : 0)),
    bins,
  );
  if (labels.length === 0) {
    const none = undefinedBecause('there are no bags');
    return { bins: filled, ece: none, mce: none };
  }
  return {
    bins: filled,
    ece: { value: expectedCalibrationError(filled) },
    mce: { value: maximumCalibrationError(filled) },
  };
}

/** @throws SamMilError CountMismatch, InvalidInput */
export function classLosses(scores: ClassScores): ClassLosses {
  checkClassScores(scores);
  const { probabilities, labels } = scores;
  if (labels.length === 0) {
    const none = undefinedBecause('there are no bags');
    return { logLoss: none, brier: none };
  }
  const ofTruth = probabilities.map((row, i) => row[labels[i]]);
  let brier = 0;
  for (const [i, row] of probabilities.entries()) {
    for (let k = 0; k < row.length; k++) brier += (row[k] - (labels[i] === k ? 1 : 0)) ** 2;
  }
  return {
    logLoss: { value: logLoss(ofTruth, new Uint8Array(labels.length).fill(1)) },
    brier: { value: brier / labels.length },
  };
}
