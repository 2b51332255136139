import { SamMilError } from '../../errors.js';
import { readJson } from '../../files/read-json.js';
import { isJsonObject, type JsonObject } from '../../json.js';
import type { Evaluation, Protocol } from './evaluate-predictions.js';
import type { SetName } from '../split/splits.js';

/**
 * Content of `metrics/<cell>.json`, which `mil.evaluate` writes: every number of one fold, and its sources.
 */
export interface MetricsFile extends Evaluation {
  /** Version of this structure. */
  metrics: 1;
  /** The matrix cell or item: `sam-mil-0-2`. */
  cell: string;
  model: string;
  repeat: number;
  fold: number;
  /** The seed of this repeat in the splits. */
  seed: number;
  set: SetName;
  classes: string[];
  /** The class whose probability is the score. null with more than two classes. */
  positive: string | null;
  /** The requested protocol. `protocols` holds both. */
  protocol: Protocol;
  /** How the epoch was selected, and whether the scored slides influenced it. */
  selection: { epoch: number | null; by: string; optimistic: boolean };
  /** Digests of the files from which the numbers were computed. */
  sources: { predictions: string; validation_predictions?: string; checkpoint: string; splits: string };
  /** Facts about the checkpoint: model parameters, backend, versions. */
  training: JsonObject;
}

/**
 * Reads a metrics file.
 *
 * @throws SamMilError InvalidInput naming the file
 */
export function readMetricsFile(path: string): MetricsFile {
  const value = readJson(path, 'metrics');
  if (!isJsonObject(value) || value.metrics !== 1 || !isJsonObject(value.protocols ?? null)) {
    throw new SamMilError('InvalidInput', 'not a metrics file of version 1', {
      file: path,
      next: 'use the items of a mil.evaluate stage',
    });
  }
  return value as unknown as MetricsFile;
}

export function formatMetricsFile(metrics: MetricsFile): string {
  return `${JSON.stringify(metrics, null, 1)}\n`;
}
