import type { JsonObject } from '../../json.js';
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
  /** What one row of the predictions is. */
  level: 'slide' | 'patient';
  /** Number of rows: slides, or patients at level `patient`. */
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
  endpoint: 'classification';
  classes: string[];
  /** The class whose probability is the score. null with more than two classes. */
  positive: string | null;
  /** The requested protocol. `protocols` holds both. */
  protocol: Protocol;
}
