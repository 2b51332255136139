import { dirname, join } from 'node:path';
import { digestOf } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { formatCsv } from '../../files/csv.js';
import { makeScratchFolder } from '../../files/make-folders.js';
import type { JobResult, OutputFile } from '../../job.js';
import {
  evaluatePredictions,
  type Evaluation,
  type EvaluationOptions,
  type Prediction,
} from './evaluate-predictions.js';
import type { MetricsFile } from './metrics-file.js';
import { formatPredictions } from './predictions-file.js';
import { formatMetricsFile } from './read-metrics-file.js';
import { rocCurve } from '../../statistics/roc.js';

/** The facts about a fold in a metrics file, besides its numbers. */
export type FoldFacts = Omit<
  MetricsFile,
  keyof Evaluation | 'metrics' | 'endpoint' | 'positive' | 'sources'
> & {
  sources: Omit<MetricsFile['sources'], 'predictions' | 'validation_predictions'>;
};

/**
 * Evaluates one fold and writes its files to `scratch`: predictions, predictions of the validation set (if
 * the threshold comes from it), metrics and ROC curve. Each file is named after the cell.
 *
 * @throws SamMilError InvalidInput where there is nothing to score or a probability is invalid
 */
export function writeEvaluation(
  scratch: string,
  facts: FoldFacts,
  predictions: { scored: readonly Prediction[]; validation: readonly Prediction[] },
  options: Pick<EvaluationOptions, 'threshold' | 'bootstrap' | 'ordered'>,
): JobResult {
  const { cell, classes, protocol } = facts;
  const { scored, validation } = predictions;
  checkPredictions(scored, facts);
  checkPredictions(validation, facts);
  if (scored.length === 0)
    throw new SamMilError('InvalidInput', `the ${facts.set} set is empty`, { file: cell });
  const stream = [facts.seed, 'bootstrap', facts.repeat, facts.fold];
  const evaluation = evaluatePredictions(scored, validation, { classes, protocol, stream, ...options });
  const threshold = evaluation.protocols[protocol].threshold ?? Infinity;
  const text = (list: readonly Prediction[]) =>
    formatPredictions(
      list,
      classes,
      list.map((prediction) => calledClass(prediction, threshold)),
      facts.level,
    );
  const written: Record<string, { to: string; content: string }> = {
    predictions: { to: `predictions/${cell}.csv`, content: text(scored) },
    roc: { to: `roc/${cell}.csv`, content: rocText(scored, classes) },
  };
  if (validation.length > 0) {
    written['validation-predictions'] = {
      to: `predictions/${cell}.validation.csv`,
      content: text(validation),
    };
  }
  const metrics: MetricsFile = {
    metrics: 1,
    endpoint: 'classification',
    ...facts,
    positive: classes.length === 2 ? classes[1] : null,
    ...evaluation,
    sources: {
      predictions: digestOf(written.predictions.content),
      ...(validation.length > 0
        ? { validation_predictions: digestOf(written['validation-predictions'].content) }
        : {}),
      ...facts.sources,
    },
  };
  written.metrics = { to: `metrics/${cell}.json`, content: formatMetricsFile(metrics) };
  return { files: writeAll(scratch, written), values: selectValues(metrics, scored) };
}

/** The numbers that are stored with the item and shown during the run. */
function selectValues(
  { rank, protocols, protocol, level, set }: MetricsFile,
  scored: readonly Prediction[],
): NonNullable<JobResult['values']> {
  const { accuracy, f1, threshold } = protocols[protocol];
  return { auc: rank.auc, f1, accuracy, threshold, protocol, ...countsOf(scored, { level, set }) };
}

/** How much was scored, for the values of the step. */
export function countsOf(
  scored: readonly { slides?: number }[],
  { level, set }: Pick<MetricsFile, 'level' | 'set'>,
): NonNullable<JobResult['values']> {
  const slides = scored.reduce((sum, one) => sum + (one.slides ?? 1), 0);
  return { ...(level === 'patient' && { patients: scored.length }), slides, set };
}

export function writeAll(
  scratch: string,
  written: Record<string, { to: string; content: string }>,
): Record<string, OutputFile> {
  const files = Object.entries(written).map(([name, { to, content }]) => {
    const from = join(scratch, to);
    makeScratchFolder(scratch, dirname(to));
    writeAtomic(from, content);
    return [name, { from, to }] as const;
  });
  return Object.fromEntries(files);
}

/** Index of the called class: at the threshold with two classes, otherwise the most probable one. */
export function calledClass({ probabilities }: Prediction, threshold: number): number {
  if (probabilities.length === 2) return probabilities[1] >= threshold ? 1 : 0;
  return probabilities.indexOf(Math.max(...probabilities));
}

/**
 * All points of the curve (none dropped), one-versus-rest for each class. With two classes, only the curve of
 * the positive class.
 */
function rocText(scored: readonly Prediction[], classes: readonly string[]): string {
  const drawn = classes.length === 2 ? [1] : classes.map((_, k) => k);
  const rows = drawn.flatMap((k) => {
    const labels = scored.map(({ label }) => (label === k ? 1 : 0));
    const { fpr, tpr, thresholds } = rocCurve(
      scored.map(({ probabilities }) => probabilities[k]),
      labels,
      false,
    );
    return thresholds.map((threshold, i) => ({
      class: classes[k],
      threshold: threshold === Infinity ? 'inf' : `${threshold}`,
      fpr: `${fpr[i]}`.replace('NaN', ''),
      tpr: `${tpr[i]}`.replace('NaN', ''),
    }));
  });
  return formatCsv(['class', 'threshold', 'fpr', 'tpr'], rows);
}

function checkPredictions(predictions: readonly Prediction[], { cell, classes }: FoldFacts): void {
  for (const { key, probabilities } of predictions) {
    const sum = probabilities.reduce((total, value) => total + value, 0);
    const fine = probabilities.every((value) => value >= 0 && value <= 1) && Math.abs(sum - 1) < 1e-3;
    if (fine && probabilities.length === classes.length) continue;
    throw new SamMilError('InvalidInput', `the model returned invalid probabilities for slide "${key}"`, {
      file: cell,
      expected: `${classes.length} numbers from 0 to 1 that sum to 1`,
      found: probabilities.join(', '),
      next: 'check the training history: a loss that is not finite leads to such weights',
    });
  }
}
