import type { FollowUp } from '../../../statistics/survival/follow-up.js';
import type { SurvivalOutcome } from './endpoint-results.js';
import { groupRows, type PooledGroup } from './pooled-outcomes.js';

/** A patient of one repeat, with the means over its slides. */
export interface PatientRisk {
  key: string;
  patient: string;
  time: number;
  event: 0 | 1;
  /** Standardized by the training risks of the fold. */
  risk: number;
  /** Whether the risk is above the threshold of the fold; null if there is none. */
  high: boolean | null;
}

/** One row per patient, instead of one per slide. */
export function toPatients({
  group,
  repeats,
  pooled,
}: PooledGroup<SurvivalOutcome>): PooledGroup<PatientRisk> {
  return { group, repeats, pooled: pooled.map((rows) => [...groupRows(rows)].map(toPatient)) };
}

function toPatient([patient, slides]: [string, SurvivalOutcome[]]): PatientRisk {
  const [{ time, event, threshold }] = slides;
  const mean = (value: (slide: SurvivalOutcome) => number) =>
    slides.reduce((sum, slide) => sum + value(slide), 0) / slides.length;
  return {
    ...{ key: patient, patient, time, event },
    risk: mean(({ standardizedRisk, risk }) => standardizedRisk ?? risk),
    high: threshold === null ? null : mean(({ risk }) => risk) > threshold,
  };
}

export function followUpOf(rows: readonly { time: number; event: 0 | 1 }[]): FollowUp {
  return { times: rows.map(({ time }) => time), events: rows.map(({ event }) => event) };
}
