import type { BootstrapInterval } from '../../../statistics/bootstrap.js';
import type { SurvivalRow } from '../../../statistics/survival/kaplan-meier.js';
import type {
  RegressionMetric,
  RegressionMetricsFile,
  SurvivalMetric,
  SurvivalMetricsFile,
} from '../../../mil/evaluate/endpoint-metrics.js';
import type {
  RegressionCase,
  SurvivalRow as SurvivalPrediction,
} from '../../../mil/cohort/endpoint-predictions.js';
import type { PooledMetric } from './pooled-metric.js';
import type { EvaluatedFold } from './evaluated-fold.js';
import type { MetricSummary } from './summary.js';

/**
 * A slide, or a patient, of a survival evaluation. `patient` is its key if the file names none; `threshold`
 * is that of the fold between low and high risk.
 */
export type SurvivalOutcome = SurvivalPrediction & { patient: string; threshold: number | null };
/** A slide, or a patient, of a regression evaluation. */
export type RegressionOutcome = RegressionCase & { patient: string };

export interface SurvivalFold extends EvaluatedFold<SurvivalMetricsFile> {
  outcomes: SurvivalOutcome[];
}

export interface RegressionFold extends EvaluatedFold<RegressionMetricsFile> {
  outcomes: RegressionOutcome[];
}

/** A row of the table of models. */
export interface ScoreRow<Metric extends string> {
  group: string;
  repeats: number;
  folds: number;
  /** Rows of the predictions of one repeat, at most. */
  scored: number;
  /** Patients among them. */
  patients: number;
  /** An epoch was selected on the scored slides. */
  optimistic: boolean;
  scores: Record<Metric, MetricSummary>;
  /** All out-of-fold predictions of a repeat at once; null for the reason in `unpooled`. */
  pooled: Partial<Record<Metric, PooledMetric>> | null;
  unpooled?: string;
}

/** Two groups on the same patients: bootstrap of the difference of a metric of the pooled predictions. */
export interface BootstrapTest {
  a: string;
  b: string;
  metric: string;
  repeats: number[];
  patients: number;
  first: number;
  second: number;
  /** first - second. */
  difference: number;
  interval: BootstrapInterval;
  /** Two-sided. */
  p: number;
  /** Corrected for the tests of the report. */
  pHolm: number;
}

/** Kaplan-Meier curves of a group's high and low risk, each patient once. */
export interface RiskCurves {
  group: string;
  high: SurvivalRow[];
  low: SurvivalRow[];
  /** Times of the patients of each, for the numbers at risk. */
  times: { high: number[]; low: number[] };
  /** Median survival; null if more than half survive the observation. */
  medians: { high: number | null; low: number | null };
  /** null for the reason in `why`. */
  logRank: { chiSquared: number; p: number } | null;
  why?: string;
}

/** Time-dependent AUC of the pooled risks, mean over the repeats. */
export interface AucCurve {
  group: string;
  points: { time: number; auc: number | null }[];
}

export interface SurvivalResults {
  rows: ScoreRow<SurvivalMetric>[];
  folds: SurvivalFold[];
  tests: BootstrapTest[];
  curves: RiskCurves[];
  aucCurves: AucCurve[];
}

/** Predicted against true values; predictions are means over the repeats. */
export interface Scatter {
  group: string;
  points: { key: string; label: number; predicted: number }[];
}

export interface RegressionResults {
  rows: ScoreRow<RegressionMetric>[];
  folds: RegressionFold[];
  tests: BootstrapTest[];
  scatters: Scatter[];
}
