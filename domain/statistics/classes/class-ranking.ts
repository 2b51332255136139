import { meanOfDefined, undefinedBecause, weightedMeanOfDefined, type Estimate } from '../estimate.js';
import { auc, averagePrecision, type Numbers } from '../ranking.js';
import { rocCurve, type RocCurve } from '../roc.js';
import { checkClassScores, column, oneVersusRest, supportOf, type ClassScores } from './class-scores.js';

/** AUC of each class against the rest, and its means. */
export interface OneVersusRest {
  /** Undefined for a class without positives or without negatives. */
  auc: Estimate[];
  /** Mean of those that are defined. */
  macro: Estimate;
  /** Mean of those that are defined, weighted by the number of bags of the class. */
  weighted: Estimate;
}

/** AUC between two classes on the bags of these two. */
export interface ClassPair {
  classes: [number, number];
  /** Class a against b by the probability of a, and b against a by that of b. */
  aucA: number;
  aucB: number;
  mean: number;
  /** Bags of both classes. */
  bags: number;
}

/** AUC between the classes, and its means. */
export interface OneVersusOne {
  /** Pairs of classes that both have bags. */
  pairs: ClassPair[];
  macro: Estimate;
  /** Weighted by the bags of the pair. */
  weighted: Estimate;
}

/** Average precision of each class. */
export interface ClassPrecision {
  /** Undefined for a class without bags. */
  averagePrecision: Estimate[];
  macro: Estimate;
}

const NO_AUC = 'no class has both bags of its own and bags of another class';

/** @throws SamMilError CountMismatch, InvalidInput */
export function oneVersusRestAuc(scores: ClassScores): OneVersusRest {
  const values = perClass(scores, (own, labels, k): Estimate => {
    const why = whyNoCurve(labels, k);
    return why === undefined ? { value: auc(own, labels) } : undefinedBecause(why);
  });
  return {
    auc: values,
    macro: meanOfDefined(values, NO_AUC),
    weighted: weightedMeanOfDefined(values, supportOf(scores.labels, scores.classes), NO_AUC),
  };
}

/** ROC curve of each class against the rest. @throws SamMilError CountMismatch, InvalidInput */
export function classRocCurves(scores: ClassScores): Estimate<RocCurve>[] {
  return perClass(scores, (own, labels, k): Estimate<RocCurve> => {
    const why = whyNoCurve(labels, k);
    return why === undefined ? { value: rocCurve(own, labels) } : undefinedBecause(why);
  });
}

/** @throws SamMilError CountMismatch, InvalidInput */
export function classAveragePrecision(scores: ClassScores): ClassPrecision {
  const values = perClass(scores, (own, labels, k): Estimate => {
    if (!labels.includes(1)) return undefinedBecause(`no bag of class ${k}`);
    return { value: averagePrecision(own, labels) };
  });
  return { averagePrecision: values, macro: meanOfDefined(values, 'there are no bags') };
}

/** AUC over pairs of classes (Hand and Till 2001). @throws SamMilError CountMismatch, InvalidInput */
export function oneVersusOneAuc(scores: ClassScores): OneVersusOne {
  checkClassScores(scores);
  const { classes } = scores;
  const pairs: ClassPair[] = [];
  for (let a = 0; a < classes; a++) {
    for (let b = a + 1; b < classes; b++) {
      const pair = pairOf(scores, a, b);
      if (pair !== undefined) pairs.push(pair);
    }
  }
  const means = pairs.map(({ mean }) => ({ value: mean }));
  const why = 'fewer than two classes have bags';
  const bags = pairs.map((pair) => pair.bags);
  return { pairs, macro: meanOfDefined(means, why), weighted: weightedMeanOfDefined(means, bags, why) };
}

function pairOf({ probabilities, labels }: ClassScores, a: number, b: number): ClassPair | undefined {
  const rows = probabilities.flatMap((row, i) => (labels[i] === a || labels[i] === b ? [{ row, i }] : []));
  const ofPair = rows.map(({ i }) => labels[i]);
  if (!ofPair.includes(a) || !ofPair.includes(b)) return undefined;
  const against = (own: number) =>
    auc(
      rows.map(({ row }) => row[own]),
      oneVersusRest(ofPair, own),
    );
  const [aucA, aucB] = [against(a), against(b)];
  return { classes: [a, b], aucA, aucB, mean: (aucA + aucB) / 2, bags: rows.length };
}

function perClass<T>(scores: ClassScores, of: (own: Numbers, labels: Uint8Array, chosen: number) => T): T[] {
  checkClassScores(scores);
  const { probabilities, labels, classes } = scores;
  return Array.from({ length: classes }, (_, k) => of(column(probabilities, k), oneVersusRest(labels, k), k));
}

function whyNoCurve(labels: Uint8Array, chosen: number): string | undefined {
  if (!labels.includes(1)) return `no bag of class ${chosen}`;
  return labels.includes(0) ? undefined : `no bag of another class than ${chosen}`;
}
