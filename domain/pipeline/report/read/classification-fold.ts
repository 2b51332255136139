import type { Prediction } from '../../../mil/evaluate/evaluate-predictions.js';
import type { MetricsFile } from '../../../mil/evaluate/metrics-file.js';
import { readPredictions } from '../../../mil/evaluate/predictions-file.js';
import { classRocCurves, oneVersusRestAuc } from '../../../statistics/classes/class-ranking.js';
import { auc } from '../../../statistics/ranking.js';
import { rocCurve } from '../../../statistics/roc.js';
import type { ReadFold } from '../data/report-data.js';

type Classified = Pick<ReadFold, 'metrics' | 'predictions' | 'roc' | 'classRocs'>;

/**
 * Reads the predictions of a classification and computes their ROC curves.
 * @returns undefined if the metrics were not computed from these predictions
 * @throws SamMilError InvalidInput for a row that is not valid
 */
export function classificationFold(metrics: MetricsFile, file: string): Classified | undefined {
  const predictions = readPredictions(file, metrics.classes);
  const curves = computeRoc(predictions, metrics);
  return curves && { metrics, predictions, ...curves };
}

function computeRoc(
  predictions: readonly Prediction[],
  { classes, rank }: MetricsFile,
): Pick<ReadFold, 'roc' | 'classRocs'> | undefined {
  const probabilities = predictions.map((prediction) => prediction.probabilities);
  const scores = probabilities.map((row) => row[1]);
  const labels = predictions.map(({ label }) => label);
  const several = { probabilities, labels, classes: classes.length };
  if (rank.auc !== null) {
    const area = classes.length === 2 ? auc(scores, labels) : oneVersusRestAuc(several).macro.value;
    if (area === null || Math.abs(area - rank.auc) > 1e-9) return undefined;
  }
  if (classes.length > 2) return { roc: null, classRocs: classRocCurves(several).map(({ value }) => value) };
  return { roc: rank.auc === null ? null : rocCurve(scores, labels), classRocs: [] };
}
