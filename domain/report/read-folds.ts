import { SamMilError } from '../errors.js';
import type { ItemRecord } from '../job.js';
import type { Prediction } from '../mil/evaluate-predictions.js';
import { readMetricsFile, type MetricsFile } from '../mil/metrics-file.js';
import { auc } from '../mil/metrics.js';
import { readPredictions } from '../mil/predictions-file.js';
import { rocCurve } from '../mil/roc.js';
import { outputFile } from './output-refs.js';
import type { FoldResult } from './report-data.js';

/** A fold with the predictions its numbers come from. */
export interface ReadFold extends FoldResult {
  predictions: Prediction[];
}

/**
 * Reads the metrics and predictions of every finished evaluation, and makes sure that they belong together.
 * @param groupBy item fields whose values, joined, name the group; a field an item lacks is looked up in the metrics file
 * @throws SamMilError InvalidInput when a file was changed, or predictions do not give the AUC that the metrics state
 */
export async function readFolds(
  items: readonly ItemRecord[],
  groupBy: readonly string[],
  work: string,
): Promise<ReadFold[]> {
  const folds: ReadFold[] = [];
  for (const item of items) {
    if (item.status !== 'done') continue;
    const [metricsRef, predictionsRef] = [
      await outputFile(item, 'metrics', work),
      await outputFile(item, 'predictions', work),
    ];
    const metrics = readMetricsFile(metricsRef.absolute);
    const predictions = readPredictions(predictionsRef.absolute, metrics.classes);
    if (metrics.sources.predictions !== predictionsRef.digest)
      throw mismatch(predictionsRef.absolute, metricsRef.path);
    folds.push({
      group: groupOf(item, metrics, groupBy),
      metrics,
      roc: rocOf(predictions, metrics, predictionsRef.absolute, metricsRef.path),
      files: {
        metrics: { path: metricsRef.path, digest: metricsRef.digest },
        predictions: { path: predictionsRef.path, digest: predictionsRef.digest },
      },
      predictions,
    });
  }
  const place = ({ metrics }: ReadFold) => metrics.repeat * 1e6 + metrics.fold;
  const order = new Map([...new Set(folds.map(({ group }) => group))].map((group, i) => [group, i]));
  return folds.sort((a, b) => order.get(a.group)! - order.get(b.group)! || place(a) - place(b));
}

function groupOf(item: ItemRecord, metrics: MetricsFile, groupBy: readonly string[]): string {
  const known = metrics as unknown as Record<string, unknown>;
  const values = groupBy.map((field) => item.fields[field] ?? known[field]);
  const named = values.map((value, i) =>
    typeof value === 'boolean' ? `${groupBy[i]} ${value ? 'on' : 'off'}` : value,
  );
  return named
    .map((value) =>
      value === undefined ? 'unknown' : typeof value === 'string' ? value : JSON.stringify(value),
    )
    .join(' · ');
}

/** The curve of the fold; also the check that the metrics were reckoned from these very predictions. */
function rocOf(predictions: readonly Prediction[], metrics: MetricsFile, file: string, metricsPath: string) {
  if (metrics.classes.length !== 2 || metrics.rank.auc === null) return null;
  const scores = predictions.map(({ probabilities }) => probabilities[1]);
  const labels = predictions.map(({ label }) => label);
  if (Math.abs(auc(scores, labels) - metrics.rank.auc) > 1e-9) throw mismatch(file, metricsPath);
  return rocCurve(scores, labels);
}

function mismatch(file: string, metricsPath: string): SamMilError {
  return new SamMilError('InvalidInput', 'predictions and metrics do not belong together', {
    file,
    expected: `the predictions that ${metricsPath} was reckoned from`,
    next: 'run the evaluation again',
  });
}
