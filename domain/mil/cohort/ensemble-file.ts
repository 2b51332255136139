import type { ValueSchema } from '../../activity-schema.js';
import { requireSchema } from '../../engine/language/check/require-schema.js';
import { readJson } from '../../files/read-json.js';
import type { Json } from '../../json.js';
import type { Combination } from '../combine/patient-scores.js';
import type {
  ClassificationTarget,
  CoxTarget,
  HazardTarget,
  RegressionTarget,
  Target,
} from '../targets/target.js';
import type { StoredValidation } from './lock-threshold.js';
import { TRAINING_RISKS, type TrainingRisks } from './training-risks.js';

/** Content of `ensemble.json`, which mil.predict writes: what made the predictions. */
export interface EnsembleFile {
  /** Version of this structure. */
  ensemble: 2;
  model: string;
  target: EnsembleTarget;
  /** What was averaged over the checkpoints of a classification. */
  combine: 'probabilities' | 'logits';
  checkpoints: EnsembleMember[];
  /**
   * How slides, or patients, were called. Survival: a risk above it is high. Regression has none.
   */
  threshold: { value: number | null; from: string };
  level: 'slide' | 'patient';
  patient_score: Combination;
}

/** What the checkpoints predict. Time bins are those of each checkpoint. */
export type EnsembleTarget =
  ClassificationTarget | Pick<HazardTarget | CoxTarget, 'endpoint' | 'head' | 'time'> | RegressionTarget;

export interface EnsembleMember {
  name: string;
  digest: string;
  repeat: number | null;
  fold: number | null;
  seed: number | null;
  /** Scores from which a threshold is locked; null for a training without validation slides. */
  validation: StoredValidation | null;
  /** Only for survival. */
  training_risks?: TrainingRisks;
}

const TEXT: ValueSchema = { type: 'string', minLength: 1 };
const NUMBERS: ValueSchema = { type: 'array', items: { type: 'number' } };
const INDICES: ValueSchema = { type: 'array', items: { type: 'integer', minimum: 0 } };

const MEMBER: ValueSchema = {
  type: 'object',
  properties: {
    name: TEXT,
    digest: TEXT,
    repeat: { type: ['integer', 'null'] },
    fold: { type: ['integer', 'null'] },
    seed: { type: ['integer', 'null'] },
    training_risks: TRAINING_RISKS,
    validation: {
      type: ['object', 'null'],
      properties: {
        labels: INDICES,
        probabilities: { type: 'array', items: NUMBERS },
        patients: INDICES,
      },
      required: ['labels', 'probabilities'],
    },
  },
  required: ['name', 'digest', 'repeat', 'fold', 'seed', 'validation'],
};

const TARGETS: ValueSchema = {
  anyOf: [
    {
      type: 'object',
      properties: {
        endpoint: { const: 'classification' },
        classes: { type: 'array', items: TEXT, minItems: 2 },
      },
      required: ['endpoint', 'classes'],
    },
    {
      type: 'object',
      properties: { endpoint: { const: 'survival' }, head: { enum: ['hazard', 'cox'] }, time: TEXT },
      required: ['endpoint', 'head', 'time'],
    },
    {
      type: 'object',
      properties: { endpoint: { const: 'regression' }, value: TEXT },
      required: ['endpoint', 'value'],
    },
  ],
};

const ENSEMBLE: ValueSchema = {
  type: 'object',
  properties: {
    ensemble: { const: 2 },
    model: TEXT,
    target: TARGETS,
    combine: { enum: ['probabilities', 'logits'] },
    checkpoints: { type: 'array', items: MEMBER, minItems: 1 },
    threshold: {
      type: 'object',
      properties: { value: { type: ['number', 'null'] }, from: TEXT },
      required: ['value', 'from'],
    },
    level: { enum: ['slide', 'patient'] },
    patient_score: { enum: ['mean', 'max', 'noisy-or'] },
  },
  required: ['ensemble', 'model', 'target', 'combine', 'checkpoints', 'threshold', 'level', 'patient_score'],
};

export function ensembleTarget(target: Target): EnsembleTarget {
  if (target.endpoint !== 'survival') return target;
  const { endpoint, head, time } = target;
  return { endpoint, head, time };
}

/** @throws SamMilError InvalidInput if it is not such a file */
export function readEnsembleFile(path: string): EnsembleFile {
  const value = readJson(path, 'ensemble file') as Json;
  const next = 'use the output `ensemble` of mil.predict';
  requireSchema(ENSEMBLE, value, { file: path, what: 'not an ensemble file of version 2', next });
  return value as unknown as EnsembleFile;
}

export function formatEnsembleFile(ensemble: EnsembleFile): string {
  return `${JSON.stringify(ensemble, null, 1)}\n`;
}
