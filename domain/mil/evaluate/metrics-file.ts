import { SamMilError } from '../../errors.js';
import { requireSchema } from '../../engine/language/check/require-schema.js';
import { readJson } from '../../files/read-json.js';
import type { Json, JsonObject } from '../../json.js';
import { METRICS } from './metrics-schema.js';
import type { Evaluation, Protocol } from './evaluate-predictions.js';
import type { SetName } from '../split/splits.js';

/** What every metrics file states besides its numbers. */
export interface MetricsHead {
  /** Version of this structure. */
  metrics: 1;
  /** The matrix cell or item: `sam-mil-0-2`. */
  cell: string;
  model: string;
  repeat: number;
  fold: number;
  /** The seed of this repeat in the splits. */
  seed: number;
  /** `external`: slides that no split of the training knows. */
  set: SetName | 'external';
  slides: number;
  /** How the epoch was selected, and whether the scored slides influenced it. */
  selection: { epoch: number | null; by: string; optimistic: boolean };
  /** Digests of the files from which the numbers were computed. */
  sources: {
    predictions: string;
    validation_predictions?: string;
    /** Absent for an external cohort. */
    checkpoint?: string;
    splits?: string;
    /** Of an external cohort: the predictions as they were given, who made them, and the labels. */
    given_predictions?: string;
    ensemble?: string;
    labels?: string;
  };
  /** Facts about the checkpoint: model parameters, backend, versions. */
  training: JsonObject;
}

/**
 * Content of `metrics/<cell>.json`, which `mil.evaluate` writes for a classification: every number of one
 * fold, and its sources.
 */
export interface MetricsFile extends MetricsHead, Evaluation {
  classes: string[];
  /** The class whose probability is the score. null with more than two classes. */
  positive: string | null;
  /** The requested protocol. `protocols` holds both. */
  protocol: Protocol;
}

/**
 * Reads and checks a metrics file.
 *
 * @throws SamMilError InvalidInput naming the file and what in it is missing or contradicts the rest
 */
export function readMetricsFile(path: string): MetricsFile {
  const value = readJson(path, 'metrics') as Json;
  const next = 'use the items of a mil.evaluate stage, or run it again';
  requireSchema(METRICS, value, { file: path, what: 'not a metrics file of version 1', next });
  const metrics = value as unknown as MetricsFile;
  const found = contradiction(metrics);
  if (found === undefined) return metrics;
  throw new SamMilError('InvalidInput', 'the metrics file contradicts itself', { file: path, found, next });
}

/** Describes the first two numbers that do not belong together. */
function contradiction({ classes, counts, slides, protocols, several }: MetricsFile): string | undefined {
  if (new Set(classes).size !== classes.length) return `equal class names: ${classes.join(', ')}`;
  const names = Object.keys(counts);
  if (names.length !== classes.length || !classes.every((name) => Object.hasOwn(counts, name))) {
    return `classes ${classes.join(', ')}, but counts of ${names.join(', ')}`;
  }
  if (classes.length > 2 !== (several !== undefined))
    return `${classes.length} classes ${several === undefined ? 'without' : 'with'} \`several\``;
  const described = Object.entries(several?.per_class ?? {});
  if (
    several &&
    (described.length !== classes.length || described.some(([name, { slides: own }]) => own !== counts[name]))
  )
    return `classes ${classes.join(', ')}, but \`per_class\` of ${described.map(([name, { slides: own }]) => `${name} (${own})`).join(', ')}`;
  const counted = classes.reduce((sum, name) => sum + counts[name], 0);
  if (counted !== slides) return `${slides} slides, but counts of ${counted}`;
  for (const [name, { confusion }] of Object.entries(protocols)) {
    const rows = confusion.map((row) => row.reduce((sum, count) => sum + count, 0));
    const square =
      confusion.length === classes.length && confusion.every((row) => row.length === rows.length);
    if (!square || rows.some((sum, k) => sum !== counts[classes[k]])) {
      return `a confusion matrix (${name}) that does not have the counts of the classes`;
    }
  }
  return undefined;
}

export function formatMetricsFile(metrics: MetricsFile): string {
  return `${JSON.stringify(metrics, null, 1)}\n`;
}
