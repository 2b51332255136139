import type { Interval } from './evaluate-predictions.js';
import type { MetricsHead } from './metrics-file.js';

/** Scores of survival, in the order of the tables. */
export const SURVIVAL_METRICS = [
  /** Concordance by Harrell: 1 perfect, 0.5 by chance. */
  'concordance',
  /** Concordance by Uno, weighted by the censoring of the training patients. */
  'concordance_uno',
  /** Time-dependent AUC, averaged over the times. */
  'mean_auc',
  /** Integrated Brier score: 0 perfect, 0.25 for S = 1/2 everywhere. */
  'integrated_brier',
] as const;
export type SurvivalMetric = (typeof SURVIVAL_METRICS)[number];

/** Scores of regression, in the order of the tables. The first two have the unit of the value. */
export const REGRESSION_METRICS = ['mae', 'rmse', 'r2', 'pearson', 'spearman'] as const;
export type RegressionMetric = (typeof REGRESSION_METRICS)[number];

/** What was scored, and how well. null: undefined, for the reason in `undefined`. */
interface Scored<Metric extends string> {
  scores: Record<Metric, number | null>;
  undefined: Partial<Record<Metric, string>>;
  /** 95 % bootstrap intervals. */
  intervals: Partial<Record<Metric, Interval>>;
  bootstrap_replicates: number;
}

/** Patients above, or not above, the risk threshold. */
export interface RiskGroup {
  patients: number;
  events: number;
  /** Median survival, in the unit of the times. null: more than half survive the observation. */
  median: number | null;
}

export interface SurvivalMetricsFile extends MetricsHead, Scored<SurvivalMetric> {
  endpoint: 'survival';
  /** null: not known, for predictions of another tool. */
  head: 'hazard' | 'cox' | null;
  /** Name of the column of times. */
  time: string;
  events: number;
  /** Time-dependent AUC and Brier score at each of some times. */
  curve: { time: number; auc: number | null; brier: number | null }[];
  /** Also why there are no risk groups, or no test. */
  undefined: Partial<Record<SurvivalMetric | 'risk_groups' | 'log_rank', string>>;
  /** null: no risks of training patients are known, for predictions of another tool. */
  risk_groups: {
    /** Risk above which a patient is in the group `high`; from training patients only. */
    threshold: number;
    threshold_from: string;
    high: RiskGroup;
    low: RiskGroup;
    /** null: one group is empty, or nobody has an event. */
    log_rank: { chi_square: number; p: number } | null;
  } | null;
}

export interface RegressionMetricsFile extends MetricsHead, Scored<RegressionMetric> {
  endpoint: 'regression';
  /** Name of the column of values. */
  value: string;
}
