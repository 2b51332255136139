import { SamMilError } from '../../../errors.js';
import type { ItemRecord } from '../../../job.js';
import type { Json, JsonObject } from '../../../json.js';
import type { Prediction } from '../../../mil/evaluate/evaluate-predictions.js';
import type { MetricsFile } from '../../../mil/evaluate/metrics-file.js';
import { readClassMetrics } from '../../../mil/evaluate/read-metrics-file.js';
import { classRocCurves, oneVersusRestAuc } from '../../../statistics/classes/class-ranking.js';
import { auc } from '../../../statistics/ranking.js';
import { readPredictions } from '../../../mil/evaluate/predictions-file.js';
import { rocCurve } from '../../../statistics/roc.js';
import { outputFile } from '../../output-refs.js';
import { groupName } from '../data/group-name.js';
import type { ReadFold } from '../data/report-data.js';

/**
 * Reads the metrics and predictions of every finished evaluation and checks that they belong together.
 * @param groupBy item fields whose joined values name the group; a field that an item lacks is read from the
 * metrics file
 * @throws SamMilError InvalidInput when a file was changed, or the predictions do not reproduce the AUC in
 * the metrics file
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
    const metrics = readClassMetrics(metricsRef.absolute);
    const predictions = readPredictions(predictionsRef.absolute, metrics.classes);
    if (metrics.sources.predictions !== predictionsRef.digest)
      throw mismatch(predictionsRef.absolute, metricsRef.path);
    const values = readValues(item, metrics, [...groupBy, ...swept]);
    folds.push({
      group: groupName(values, groupBy),
      values,
      fields: item.fields,
      metrics,
      ...computeRoc(predictions, metrics, predictionsRef.absolute, metricsRef.path),
      files: {
        metrics: { path: metricsRef.path, digest: metricsRef.digest },
        predictions: { path: predictionsRef.path, digest: predictionsRef.digest },
      },
      predictions,
    });
  }
  return sortFolds(folds, groupBy);
}

/** Groups folds by further fields of their items. */
export function splitGroups(
  folds: readonly ReadFold[],
  groupBy: readonly string[],
  axes: readonly string[],
): ReadFold[] {
  const fields = [...groupBy, ...axes];
  const split = folds.map((fold) => {
    const added = axes.filter((axis) => fold.fields[axis] !== undefined);
    const values = { ...fold.values, ...Object.fromEntries(added.map((axis) => [axis, fold.fields[axis]])) };
    return { ...fold, values, group: groupName(values, fields) };
  });
  return sortFolds(split, fields);
}

function sortFolds(folds: ReadFold[], groupBy: readonly string[]): ReadFold[] {
  const place = ({ metrics }: ReadFold) => metrics.repeat * 1e6 + metrics.fold;
  const compare = groupOrder(folds, groupBy);
  return folds.sort((a, b) => compare(a, b) || place(a) - place(b));
}

/**
 * Compares field by field: numbers by size, other values in order of first appearance, missing values last.
 */
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

/** Reads each field from the item or, if the item lacks it, from the metrics file. */
function readValues(item: ItemRecord, metrics: MetricsFile, fields: readonly string[]): JsonObject {
  const known = metrics as unknown as JsonObject;
  const found = fields.map((field): [string, Json | undefined] => [
    field,
    item.fields[field] ?? known[field],
  ]);
  return Object.fromEntries(found.flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])));
}

/** Computes the ROC curves of a fold and checks that its metrics were computed from these predictions. */
function computeRoc(
  predictions: readonly Prediction[],
  metrics: MetricsFile,
  file: string,
  metricsPath: string,
): Pick<ReadFold, 'roc' | 'classRocs'> {
  const { classes, rank } = metrics;
  const probabilities = predictions.map((prediction) => prediction.probabilities);
  const scores = probabilities.map((row) => row[1]);
  const labels = predictions.map(({ label }) => label);
  const several = { probabilities, labels, classes: classes.length };
  if (rank.auc !== null) {
    const area = classes.length === 2 ? auc(scores, labels) : oneVersusRestAuc(several).macro.value;
    if (area === null || Math.abs(area - rank.auc) > 1e-9) throw mismatch(file, metricsPath);
  }
  if (classes.length > 2) return { roc: null, classRocs: classRocCurves(several).map(({ value }) => value) };
  return { roc: rank.auc === null ? null : rocCurve(scores, labels), classRocs: [] };
}

function mismatch(file: string, metricsPath: string): SamMilError {
  return new SamMilError('InvalidInput', 'the predictions and the metrics do not belong together', {
    file,
    expected: `the predictions that ${metricsPath} was computed from`,
    next: 'run the evaluation again',
  });
}
