import { oneVersusRestAuc } from '../../statistics/classes/class-ranking.js';
import { auc } from '../../statistics/ranking.js';
import { harrellConcordance } from '../../statistics/survival/concordance.js';
import type { FollowUp } from '../../statistics/survival/follow-up.js';
import { softmax } from '../compute/host-math.js';
import { coxLoss } from './cox-loss.js';
import { rowLoss, type HeadLoss, type SeparateLoss } from './head.js';
import { riskOf } from './risk.js';
import { outputsOf, type Endpoint, type Outcome, type SurvivalTarget, type Target } from './target.js';

/** The score by which the best epoch is chosen. */
export interface ValidationScore {
  /** In names of columns: `val_auc`. */
  name: 'auc' | 'concordance' | 'rmse';
  /** In sentences. */
  title: string;
  better: 'higher' | 'lower';
}

const SCORES: Readonly<Record<Endpoint, ValidationScore>> = {
  classification: { name: 'auc', title: 'AUC', better: 'higher' },
  survival: { name: 'concordance', title: 'concordance', better: 'higher' },
  regression: { name: 'rmse', title: 'RMSE', better: 'lower' },
};

export function validationScore({ endpoint }: Target): ValidationScore {
  return SCORES[endpoint];
}

/** A score, higher for a better one. */
export function gainOf(score: number, target: Target): number {
  return validationScore(target).better === 'higher' ? score : -score;
}

/** The model's outputs for a bag, and what is known of it. */
export interface ScoredLogits {
  logits: Float32Array;
  outcome: Outcome;
}

/**
 * Score of a set of bags. Classes: area under the ROC curve; with more than two, the mean of the AUCs of each
 * class against the rest. Survival: Harrell's concordance. Regression: root mean squared error.
 * @returns undefined where a class is missing, because epochs must be compared on every class, without two
 *   bags whose follow-up can be compared, or without bags
 */
export function scoreBags(bags: readonly ScoredLogits[], target: Target): number | undefined {
  if (target.endpoint === 'classification') return classScore(bags, outputsOf(target));
  if (target.endpoint === 'survival') {
    const risks = bags.map(({ logits }) => riskOf(logits, target));
    return harrellConcordance(followUpOf(bags), risks).cindex.value ?? undefined;
  }
  const squares = bags.map(({ logits, outcome }) =>
    outcome.endpoint === 'regression' ? (logits[0] - outcome.value) ** 2 : NaN,
  );
  return squares.length === 0 ? undefined : Math.sqrt(squares.reduce((a, b) => a + b) / squares.length);
}

function classScore(bags: readonly ScoredLogits[], classes: number): number | undefined {
  const probabilities = bags.map(({ logits }) => softmax(logits));
  const labels = bags.map(({ outcome }) => (outcome.endpoint === 'classification' ? outcome.label : -1));
  if (classes === 2) {
    const area = auc(
      probabilities.map((row) => row[1]),
      labels,
    );
    return Number.isNaN(area) ? undefined : area;
  }
  const { auc: perClass, macro } = oneVersusRestAuc({ probabilities, labels, classes });
  return perClass.some(({ value }) => value === null) ? undefined : (macro.value ?? undefined);
}

/** Why {@link scoreBags} is undefined for these bags whatever the model; undefined if it is not. */
export function whyNoScore(outcomes: readonly Outcome[], target: Target): string | undefined {
  if (outcomes.length === 0) return 'is empty';
  const bags = outcomes.map((outcome) => ({ outcome, logits: new Float32Array(outputsOf(target)) }));
  if (scoreBags(bags, target) !== undefined) return undefined;
  return target.endpoint === 'survival'
    ? 'has no two slides whose follow-up can be compared'
    : 'lacks a class';
}

/**
 * Mean loss of a set of bags under the loss that is trained; for Cox, that of all bags together.
 * @returns undefined without bags, and for Cox without an event
 */
export function lossOfBags(
  bags: readonly ScoredLogits[],
  target: Target,
  loss: HeadLoss,
): number | undefined {
  if (bags.length === 0) return undefined;
  if (loss.name !== 'cox') {
    return bags.reduce((sum, bag) => sum + lossOf(bag, target, loss), 0) / bags.length;
  }
  const followUp = followUpOf(bags);
  if (!Array.from(followUp.events).includes(1)) return undefined;
  const risks = bags.map(({ logits }) => riskOf(logits, target as SurvivalTarget));
  return coxLoss(risks, followUp, loss.ties, new Float64Array(bags.length));
}

function lossOf({ logits, outcome }: ScoredLogits, target: Target, loss: SeparateLoss): number {
  if (outcome.endpoint !== 'classification') return rowLoss(logits, outcome, target, loss, [1]).loss;
  return -Math.log(Math.max(softmax(logits)[outcome.label], Number.MIN_VALUE));
}

function followUpOf(bags: readonly ScoredLogits[]): FollowUp {
  const known = bags.flatMap(({ outcome }) => (outcome.endpoint === 'survival' ? [outcome] : []));
  return { times: known.map(({ time }) => time), events: known.map(({ event }) => event) };
}
