import type { ValueSchema } from '../../activity-schema.js';
import { REGRESSION_METRICS, SURVIVAL_METRICS } from './endpoint-metrics.js';
import { COUNT, INTERVALS, mapping, METRICS_HEAD, RATE_OR_NONE, REASONS, TEXT } from './metrics-schema.js';

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
