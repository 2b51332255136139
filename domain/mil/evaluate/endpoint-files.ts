import { digestOf } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import type { JobResult } from '../../job.js';
import { scaleOf } from '../combine/ensemble.js';
import type { RegressionMetricsFile, SurvivalMetricsFile } from './endpoint-metrics.js';
import {
  formatRegression,
  formatSurvival,
  type RegressionCase,
  type ScoredCase,
  type SurvivalCase,
} from '../cohort/endpoint-predictions.js';
import { countsOf, writeAll, type FoldFacts } from './evaluation-files.js';
import { formatMetricsFile } from './read-metrics-file.js';
import { scoreRegression } from './score-regression.js';
import { scoreSurvival, type SurvivalReference } from './score-survival.js';

/** The facts about a fold, or another cohort, whatever the endpoint. */
export type HeadFacts = Omit<FoldFacts, 'classes' | 'protocol'>;

export interface SurvivalOptions {
  reference: SurvivalReference;
  /** Risks of the training patients, for standardized risks; undefined: not known. */
  trainingRisks: readonly number[] | undefined;
  head: SurvivalMetricsFile['head'];
  /** Name of the column of times. */
  time: string;
  bootstrap: number;
}

/**
 * Scores survival and writes predictions and metrics to `scratch`, named after the cell.
 * @throws SamMilError InvalidInput where there is nothing to score
 */
export function writeSurvival(
  scratch: string,
  facts: HeadFacts,
  cases: readonly SurvivalCase[],
  { reference, trainingRisks, head, time, bootstrap }: SurvivalOptions,
): JobResult {
  refuseNone(cases, facts);
  const followUp = { times: cases.map((one) => one.time), events: cases.map(({ event }) => event) };
  const risks = cases.map(({ risk }) => risk);
  const numbers = scoreSurvival(followUp, risks, reference, { bootstrap, stream: streamOf(facts) });
  const predictions = formatSurvival(cases, facts.level, {
    scale: trainingRisks && scaleOf(trainingRisks),
    threshold: numbers.risk_groups?.threshold ?? null,
  });
  const metrics: SurvivalMetricsFile = {
    ...headOf(facts, cases, predictions),
    endpoint: 'survival',
    ...{ head, time },
    ...numbers,
  };
  const { concordance } = numbers.scores;
  const values = { concordance, events: numbers.events, ...countsOf(cases, facts) };
  return { files: filesOf(scratch, facts, predictions, metrics), values };
}

/**
 * Scores regression and writes predictions and metrics to `scratch`, named after the cell.
 * @param value name of the column of values
 * @throws SamMilError InvalidInput where there is nothing to score
 */
export function writeRegression(
  scratch: string,
  facts: HeadFacts,
  cases: readonly RegressionCase[],
  { value, bootstrap }: { value: string; bootstrap: number },
): JobResult {
  refuseNone(cases, facts);
  const numbers = scoreRegression(
    cases.map(({ predicted }) => predicted),
    cases.map((one) => one.value),
    { bootstrap, stream: streamOf(facts) },
  );
  const predictions = formatRegression(cases, facts.level);
  const metrics: RegressionMetricsFile = {
    ...headOf(facts, cases, predictions),
    endpoint: 'regression',
    value,
    ...numbers,
  };
  const { rmse, r2 } = numbers.scores;
  const values = { rmse, r2, ...countsOf(cases, facts) };
  return { files: filesOf(scratch, facts, predictions, metrics), values };
}

function refuseNone(cases: readonly ScoredCase[], { set, cell }: HeadFacts): void {
  if (cases.length === 0) throw new SamMilError('InvalidInput', `the ${set} set is empty`, { file: cell });
}

function streamOf({ seed, repeat, fold }: HeadFacts): (string | number)[] {
  return [seed, 'bootstrap', repeat, fold];
}

function headOf({ sources, ...facts }: HeadFacts, cases: readonly ScoredCase[], predictions: string) {
  return {
    metrics: 1 as const,
    ...facts,
    slides: cases.length,
    sources: { predictions: digestOf(predictions), ...sources },
  };
}

function filesOf(
  scratch: string,
  { cell }: HeadFacts,
  predictions: string,
  metrics: SurvivalMetricsFile | RegressionMetricsFile,
) {
  return writeAll(scratch, {
    predictions: { to: `predictions/${cell}.csv`, content: predictions },
    metrics: { to: `metrics/${cell}.json`, content: formatMetricsFile(metrics) },
  });
}
