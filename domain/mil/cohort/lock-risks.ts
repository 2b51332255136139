import { SamMilError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import { pooledRiskThreshold } from '../combine/locked-threshold.js';
import { scaleOf } from '../combine/ensemble.js';
import { storedRisks, type TrainingRisks } from './training-risks.js';

/** What the trainings of an ensemble determine for another cohort. */
export interface LockedRisks {
  /** A risk above it is high. */
  threshold: number;
  from: string;
  /** The risk by a checkpoint on the scale on which checkpoints are averaged. */
  scaled(risk: number, checkpoint: number): number;
  /** Training patients of all checkpoints, with risks on that scale. A patient counts once per checkpoint. */
  training: TrainingRisks;
}

/**
 * Locks the threshold between low and high risk and the scale of each checkpoint. Risks from hazards have one
 * scale. Log hazards of Cox models have none and are standardized by the mean and deviation of the training
 * patients of each checkpoint. The threshold is the median of the risks of all training patients on that
 * scale: checkpoints do not store out-of-fold risks, and nothing of the other cohort enters.
 *
 * @throws SamMilError InvalidInput for a checkpoint that states no training risks, or a Cox model that gave
 *   all its training patients the same risk
 */
export function lockRisks(
  members: readonly { name: string; training: JsonObject }[],
  head: 'hazard' | 'cox',
): LockedRisks {
  return pooledRisks(
    members.map(({ name, training }) => ({ name, risks: storedRisks(training, name) })),
    head,
  );
}

/** As {@link lockRisks}, from the training risks themselves. */
export function pooledRisks(
  members: readonly { name: string; risks: TrainingRisks }[],
  head: 'hazard' | 'cox',
): LockedRisks {
  const scales = members.map(({ name, risks: { risks } }) =>
    head === 'hazard' ? { mean: 0, deviation: 1 } : usableScale(name, risks),
  );
  const scaled = (risk: number, i: number) => (risk - scales[i].mean) / scales[i].deviation;
  const folds = members.map(({ risks }, i) => risks.risks.map((risk) => scaled(risk, i)));
  const count = folds.reduce((sum, risks) => sum + risks.length, 0);
  const of = members.length === 1 ? '' : ` of ${members.length} checkpoints`;
  const what = head === 'hazard' ? 'risk' : 'standardized risk';
  return {
    threshold: pooledRiskThreshold(folds),
    from: `median ${what} of ${count} training patients${of}`,
    scaled,
    training: {
      times: members.flatMap(({ risks }) => risks.times),
      events: members.flatMap(({ risks }) => risks.events),
      risks: folds.flat(),
    },
  };
}

function usableScale(name: string, risks: readonly number[]) {
  const scale = scaleOf(risks);
  if (scale.deviation > 0) return scale;
  throw new SamMilError('InvalidInput', 'a Cox model gave all its training patients the same risk', {
    file: name,
    expected: 'risks that differ, so that checkpoints can be compared',
    found: `${risks.length} patients with risk ${scale.mean}`,
    next: 'leave this checkpoint out, or train it longer',
  });
}
