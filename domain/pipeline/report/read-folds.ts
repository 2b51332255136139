import { SamMilError } from '../../errors.js';
import type { ItemRecord } from '../../job.js';
import type { Json, JsonObject } from '../../json.js';
import type { Prediction } from '../../mil/evaluate/evaluate-predictions.js';
import { readMetricsFile, type MetricsFile } from '../../mil/evaluate/metrics-file.js';
import { auc } from '../../statistics/ranking.js';
import { readPredictions } from '../../mil/evaluate/predictions-file.js';
import { rocCurve } from '../../statistics/roc.js';
import { outputFile } from '../output-refs.js';
import { groupName } from './group-name.js';
import type { FoldResult } from './report-data.js';

/** A fold with the predictions its numbers come from. */
export interface ReadFold extends FoldResult {
  predictions: Prediction[];
  /** Value of each field that the runs are grouped by, and of those that are swept; absent where the run has none. */
  values: JsonObject;
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
  swept: readonly string[] = [],
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
    const values = valuesOf(item, metrics, [...groupBy, ...swept]);
    folds.push({
      group: groupName(values, groupBy),
      values,
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
  const compare = groupOrder(folds, groupBy);
  return folds.sort((a, b) => compare(a, b) || place(a) - place(b));
}

/** Numbers by size, other values in order of their first appearance, what has no value last; field after field. */
function groupOrder(
  folds: readonly ReadFold[],
  groupBy: readonly string[],
): (a: ReadFold, b: ReadFold) => number {
  const seen = groupBy.map((field) => [...new Set(folds.map(({ values }) => values[field]))]);
  const rank = (value: Json | undefined, i: number) =>
    value === undefined ? Infinity : typeof value === 'number' ? value : seen[i].indexOf(value);
  const byField = (a: ReadFold, b: ReadFold, i: number) => {
    const [x, y] = [rank(a.values[groupBy[i]], i), rank(b.values[groupBy[i]], i)];
    return x === y ? 0 : x - y;
  };
  return (a, b) => {
    for (let i = 0; i < groupBy.length; i++) {
      const difference = byField(a, b, i);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

/** A field of the item, else of the metrics file. */
function valuesOf(item: ItemRecord, metrics: MetricsFile, fields: readonly string[]): JsonObject {
  const known = metrics as unknown as JsonObject;
  const found = fields.map((field): [string, Json | undefined] => [
    field,
    item.fields[field] ?? known[field],
  ]);
  return Object.fromEntries(found.flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])));
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
