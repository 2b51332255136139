import { SamMilError } from '../../errors.js';
import { formatCsv } from '../../files/csv.js';
import { delongPair } from '../../statistics/delong.js';
import type { ScoredSlide } from '../cohort/patient-level.js';
import { evaluatePredictions, type EvaluationOptions, type Prediction } from './evaluate-predictions.js';
import type { ExternalCohort } from './external-cohort.js';

/**
 * Formats the metrics of each site, all with one threshold: site, slides (or patients), their number in each
 * class, auc with
 * DeLong's 95 % interval, accuracy and rates. Empty: undefined, such as the AUC of a site with one class.
 */
export function siteTable(
  scored: readonly (ScoredSlide & { label: number })[],
  options: EvaluationOptions,
  level: 'slide' | 'patient',
): string | undefined {
  const sites = [...new Set(scored.flatMap(({ site }) => site ?? []))].sort();
  if (sites.length === 0) return undefined;
  const { classes } = options;
  const rows = sites.map((site) => {
    const own = scored.filter((one) => one.site === site);
    const { slides, counts, rank, protocols, intervals } = evaluatePredictions(own.map(asPrediction), [], {
      ...options,
      bootstrap: 0,
    });
    const { accuracy, balanced_accuracy, recall, specificity, precision, f1 } = protocols.honest;
    return {
      ...{ site, [`${level}s`]: slides },
      ...Object.fromEntries(classes.map((name) => [`count_${name}`, counts[name]])),
      auc: text(rank.auc),
      auc_low: text(intervals.delong_auc?.low),
      auc_high: text(intervals.delong_auc?.high),
      ...{ accuracy, balanced_accuracy },
      ...{ recall: text(recall), specificity: text(specificity), precision: text(precision), f1: text(f1) },
    };
  });
  return formatCsv(
    [
      ...['site', `${level}s`, ...classes.map((name) => `count_${name}`), 'auc', 'auc_low', 'auc_high'],
      ...['accuracy', 'balanced_accuracy', 'recall', 'specificity', 'precision', 'f1'],
    ],
    rows,
  );
}

export function text(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : `${value}`;
}

export function asPrediction(one: ScoredSlide & { label: number; slides?: number }): Prediction {
  const { key, label, probabilities, slides, patient } = one;
  return {
    ...{ key, label, probabilities: [...probabilities] },
    ...(patient !== undefined && { patient }),
    ...(slides !== undefined && { slides }),
  };
}

/**
 * Formats DeLong's tests between this model and others on the same slides: model, other, slides, both AUCs,
 * difference with its 95 % interval, p (two-sided, not corrected for several tests).
 *
 * @throws SamMilError InvalidInput for other slides or more than two classes, or if a class has fewer than
 *   two slides
 */
export function comparisonTable(own: ExternalCohort, others: readonly ExternalCohort[]): string {
  const labels = own.scored.map(({ label }) => label);
  const rows = others.map((other) => {
    refuseSeveralClasses(own);
    refuseOtherKeys(namesOf(own), namesOf(other), 'slide');
    const byKey = new Map(other.scored.map((one) => [one.key, one.probabilities[1]]));
    const scores = own.scored.map(({ probabilities }) => probabilities[1]);
    const result = delongPair(scores, own.scored.map(({ key }) => byKey.get(key) ?? NaN), labels); // prettier-ignore
    const [low, high] = result.difference95;
    return {
      ...{ model: own.model, other: other.model, slides: labels.length },
      ...{ auc: result.aucA, auc_other: result.aucB, difference: result.difference, low, high },
      p: Number.isNaN(result.pTwoSided) ? '' : result.pTwoSided,
    };
  });
  const columns = ['model', 'other', 'slides', 'auc', 'auc_other', 'difference', 'low', 'high', 'p'];
  return formatCsv(columns, rows);
}

function refuseSeveralClasses({ classes }: ExternalCohort): void {
  if (classes.length === 2) return;
  throw new SamMilError('InvalidInput', '`compare-with` compares AUCs of two classes', {
    found: `${classes.length} classes: ${classes.join(', ')}`,
  });
}

function namesOf({ model, scored }: ExternalCohort) {
  return { model, keys: scored.map(({ key }) => key) };
}

/** @throws SamMilError InvalidInput if two models do not predict the same slides or patients */
export function refuseOtherKeys(
  own: { model: string; keys: readonly string[] },
  other: { model: string; keys: readonly string[] },
  level: 'slide' | 'patient',
): void {
  const [a, b] = [new Set(own.keys), new Set(other.keys)];
  const only = [...a].filter((key) => !b.has(key)).length;
  const more = [...b].filter((key) => !a.has(key)).length;
  if (only + more === 0) return;
  throw new SamMilError('InvalidInput', `${own.model} and ${other.model} predict different ${level}s`, {
    expected: `the same ${level}s for both models`,
    found: `${only} only of ${own.model}, ${more} only of ${other.model}`,
    next: 'predict the same bags with both models',
  });
}
