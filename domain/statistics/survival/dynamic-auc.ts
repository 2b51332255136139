import { undefinedBecause, type Estimate } from '../estimate.js';
import { ascendingOrder, type Numbers } from '../ranking.js';
import { eventWeights, type CensoringCurve } from './censoring.js';
import { checkAscending, checkRisks, type FollowUp } from './follow-up.js';
import { kaplanMeier, survivalAt } from './kaplan-meier.js';

/** How well risks separate patients with an event until a time from those without. */
export interface DynamicAuc {
  times: number[];
  auc: Estimate[];
  /** Kaplan-Meier survival of the scored patients at the times. */
  survival: Estimate[];
  /** Mean over the times, weighted by the drop of the survival since the time before. */
  mean: Estimate;
}

/**
 * Cumulative/dynamic AUC (Uno 2007, Hung and Chiang 2010) as in scikit-survival. AUC(t): cases have the event
 * until t and the weight 1 / G(time); controls have a later time; equal risks count half. Mean = sum of
 * AUC(t_k) (S(t_{k-1}) - S(t_k)) / (1 - S(t_last)) with S(t_{-1}) = 1, so that the first time also stands for
 * everything before it.
 *
 * @param curve of the censoring in the training set
 * @param times ascending; an AUC is defined within [earliest, latest) of the follow-up times
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function dynamicAuc(
  followUp: FollowUp,
  risks: Numbers,
  curve: CensoringCurve,
  times: Numbers,
): DynamicAuc {
  checkRisks(followUp, risks);
  checkAscending(times);
  const order = ascendingOrder(risks);
  const at = Array.from(times);
  const auc = at.map((time) => aucAt(followUp, risks, order, curve, time));
  const rows = kaplanMeier(followUp);
  const survival = at.map((time) => survivalAt(rows, time));
  return { times: at, auc, survival, mean: weightedMean(auc, survival) };
}

function aucAt(
  followUp: FollowUp,
  risks: Numbers,
  order: Uint32Array,
  curve: CensoringCurve,
  time: number,
): Estimate {
  const { times } = followUp;
  const earliest = times.length > 0 && order.some((i) => times[i] <= time);
  if (!earliest) return undefinedBecause(`no patient was followed for at most ${time}`);
  const weights = eventWeights(followUp, curve, (own) => own <= time);
  if (weights.value === null) return weights;
  let [cases, controls, area] = [0, 0, 0];
  for (let start = 0; start < order.length;) {
    let [end, caseWeight, controlCount] = [start, 0, 0];
    for (; end < order.length && risks[order[end]] === risks[order[start]]; end++) {
      const i = order[end];
      if (times[i] > time) controlCount++;
      else caseWeight += weights.value[i];
    }
    area += caseWeight * (controls + controlCount / 2);
    cases += caseWeight;
    controls += controlCount;
    start = end;
  }
  if (cases === 0) return undefinedBecause(`no event until ${time}`);
  if (controls === 0) return undefinedBecause(`no patient was followed beyond ${time}`);
  return atMostOne(area / (cases * controls));
}

function weightedMean(auc: readonly Estimate[], survival: readonly Estimate[]): Estimate {
  let [sum, before] = [0, 1];
  for (let k = 0; k < auc.length; k++) {
    const [area, now] = [auc[k], survival[k]];
    if (area.value === null) return area;
    if (now.value === null) return now;
    sum += area.value * (before - now.value);
    before = now.value;
  }
  return before === 1 ? undefinedBecause('no event until the last time') : atMostOne(sum / (1 - before));
}

/** The numerator and the denominator of a perfect ranking are rounded differently. */
function atMostOne(value: number): Estimate {
  return { value: Math.min(1, value) };
}
