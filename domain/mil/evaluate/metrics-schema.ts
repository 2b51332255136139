import type { ValueSchema } from '../../activity-schema.js';
import { REGRESSION_METRICS, SURVIVAL_METRICS } from './endpoint-metrics.js';

const TEXT: ValueSchema = { type: 'string', minLength: 1 };
const COUNT: ValueSchema = { type: 'integer', minimum: 0 };
const RATE: ValueSchema = { type: 'number', minimum: 0, maximum: 1 };
const RATE_OR_NONE: ValueSchema = { type: ['number', 'null'], minimum: 0, maximum: 1 };

/** A mapping in which all keys but the optional ones are required. Later versions may add others. */
function mapping(
  required: Readonly<Record<string, ValueSchema>>,
  optional: Readonly<Record<string, ValueSchema>> = {},
): ValueSchema {
  return { type: 'object', properties: { ...required, ...optional }, required: Object.keys(required) };
}

const RATES = { precision: RATE_OR_NONE, recall: RATE_OR_NONE, f1: RATE_OR_NONE };

const CALLED = mapping(
  {
    threshold: { type: ['number', 'null'] },
    threshold_from: TEXT,
    accuracy: RATE,
    balanced_accuracy: RATE,
    ...RATES,
    specificity: RATE_OR_NONE,
    confusion: { type: 'array', items: { type: 'array', items: COUNT } },
    macro: mapping(RATES),
  },
  { optimistic: TEXT },
);

const SCORE_OR_NONE: ValueSchema = { type: ['number', 'null'], minimum: -1, maximum: 1 };
const REASONS: ValueSchema = { type: 'object', additionalProperties: TEXT };

const INTERVAL = mapping({ low: { type: ['number', 'null'] }, high: { type: ['number', 'null'] } });

const INTERVALS: ValueSchema = { type: 'object', additionalProperties: INTERVAL };

/** What only more than two classes have. */
const SEVERAL = mapping({
  ordered: { type: 'boolean' },
  auc_weighted: RATE_OR_NONE,
  auc_one_vs_one: RATE_OR_NONE,
  f1_weighted: RATE_OR_NONE,
  kappa: SCORE_OR_NONE,
  quadratic_kappa: SCORE_OR_NONE,
  mcc: SCORE_OR_NONE,
  maximum_calibration_error: RATE_OR_NONE,
  per_class: {
    type: 'object',
    additionalProperties: mapping({
      slides: COUNT,
      called: COUNT,
      auc: RATE_OR_NONE,
      average_precision: RATE_OR_NONE,
      ...RATES,
      intervals: INTERVALS,
      undefined: REASONS,
    }),
  },
  undefined: REASONS,
});

/** What the metrics files of all endpoints state. */
const METRICS_HEAD = {
  metrics: { const: 1 },
  cell: TEXT,
  model: TEXT,
  repeat: COUNT,
  fold: COUNT,
  seed: { type: 'integer' },
  set: { enum: ['train', 'val', 'test', 'external'] },
  level: { enum: ['slide', 'patient'] },
  selection: mapping({
    epoch: { type: ['integer', 'null'] },
    by: { type: 'string' },
    optimistic: { type: 'boolean' },
  }),
  slides: { type: 'integer', minimum: 1 },
  sources: mapping(
    { predictions: TEXT },
    {
      checkpoint: TEXT,
      splits: TEXT,
      validation_predictions: TEXT,
      given_predictions: TEXT,
      ensemble: TEXT,
      labels: TEXT,
    },
  ),
  training: { type: 'object' },
} as const;

/** Version 1 of the metrics file of a classification, as mil.evaluate writes it. */
export const METRICS: ValueSchema = mapping(
  {
    ...METRICS_HEAD,
    endpoint: { const: 'classification' },
    classes: { type: 'array', items: TEXT, minItems: 2 },
    positive: { type: ['string', 'null'] },
    protocol: { enum: ['honest', 'paper'] },
    counts: { type: 'object', additionalProperties: COUNT },
    rank: mapping({
      auc: RATE_OR_NONE,
      average_precision: RATE_OR_NONE,
      log_loss: { type: ['number', 'null'], minimum: 0 },
      brier: { type: ['number', 'null'], minimum: 0, maximum: 2 },
      expected_calibration_error: RATE_OR_NONE,
      calibration: { type: 'array', items: { type: 'object' } },
    }),
    protocols: mapping({ honest: CALLED, paper: CALLED }),
    intervals: mapping(
      {},
      {
        delong_auc: INTERVAL,
        bootstrap: INTERVALS,
        bootstrap_replicates: COUNT,
      },
    ),
  },
  { several: SEVERAL },
);

const TIME: ValueSchema = { type: 'number', minimum: 0 };
const NUMBER: ValueSchema = { type: 'number' };
const NUMBER_OR_NONE: ValueSchema = { type: ['number', 'null'] };

/** What was scored, and how well. */
function scored(metrics: readonly string[]): Record<string, ValueSchema> {
  return {
    ...METRICS_HEAD,
    scores: mapping(Object.fromEntries(metrics.map((name) => [name, NUMBER_OR_NONE]))),
    undefined: REASONS,
    intervals: INTERVALS,
    bootstrap_replicates: COUNT,
  };
}

const GROUP = mapping({ patients: COUNT, events: COUNT, median: { type: ['number', 'null'], minimum: 0 } });

const LOG_RANK: ValueSchema = {
  ...mapping({ chi_square: TIME, p: { type: 'number', minimum: 0, maximum: 1 } }),
  type: ['object', 'null'],
};

/** Version 1 of the metrics file of survival. */
export const SURVIVAL_METRICS_FILE: ValueSchema = mapping({
  ...scored(SURVIVAL_METRICS),
  endpoint: { const: 'survival' },
  head: { enum: ['hazard', 'cox', null] },
  time: TEXT,
  events: COUNT,
  curve: { type: 'array', items: mapping({ time: TIME, auc: RATE_OR_NONE, brier: NUMBER_OR_NONE }) },
  risk_groups: {
    ...mapping({ threshold: NUMBER, threshold_from: TEXT, high: GROUP, low: GROUP, log_rank: LOG_RANK }),
    type: ['object', 'null'],
  },
});

/** Version 1 of the metrics file of regression. */
export const REGRESSION_METRICS_FILE: ValueSchema = mapping({
  ...scored(REGRESSION_METRICS),
  endpoint: { const: 'regression' },
  value: TEXT,
});
