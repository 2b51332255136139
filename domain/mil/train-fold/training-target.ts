import { SamMilError } from '../../errors.js';
import type { FollowUp } from '../../statistics/survival/follow-up.js';
import type { Fold, Splits } from '../split/splits.js';
import { outcomeOf } from '../split/splits.js';
import type { Target } from '../targets/target.js';
import { fitTimeBins } from '../targets/time-bins.js';
import type { HeadSettings } from './head-settings.js';

/** A patient of survival with the slides that share its follow-up. */
export interface SurvivalPatient {
  time: number;
  event: 0 | 1;
  slides: string[];
}

/** The patients of some slides, in order of first appearance. Without patients, each slide is one. */
export function survivalPatients(splits: Splits, keys: readonly string[]): SurvivalPatient[] {
  const patients = new Map<string, SurvivalPatient>();
  for (const key of keys) {
    const outcome = outcomeOf(splits, key);
    if (outcome.endpoint !== 'survival') throw new Error(`"${key}" has no follow-up`);
    const group = splits.groups && Object.hasOwn(splits.groups, key) ? splits.groups[key] : undefined;
    const name = group === undefined ? `slide ${key}` : `patient ${group}`;
    const patient = patients.get(name) ?? { time: outcome.time, event: outcome.event, slides: [] };
    patient.slides.push(key);
    patients.set(name, patient);
  }
  return [...patients.values()];
}

/**
 * What the model of a fold predicts. Time bins are fitted on the training patients of the fold, each counted
 * once.
 * @throws SamMilError InvalidInput where no training patient has an event
 */
export function trainingTarget(
  splits: Splits,
  fold: Fold,
  { loss, timeBins }: HeadSettings,
  warn: (message: string) => void,
): Target {
  const { endpoint, classes } = splits;
  if (endpoint === 'classification') return { endpoint, classes };
  if (endpoint === 'regression') return { endpoint, value: splits.quantity ?? 'value' };
  const time = splits.quantity ?? 'time';
  const patients = survivalPatients(splits, fold.train);
  const followUp = { times: patients.map(({ time }) => time), events: patients.map(({ event }) => event) };
  refuseAllCensored(followUp, fold);
  if (loss.name === 'cox') return { endpoint, head: 'cox', time };
  const { edges, tied } = fitTimeBins(followUp, timeBins);
  if (tied) {
    warn(
      `the training patients have too few distinct times with an event for ${timeBins} time bins: some bins stay empty (edges ${edges.join(', ')})`,
    );
  }
  return { endpoint, head: 'hazard', time, edges };
}

/** Neither the likelihood of hazards nor that of Cox can be learned without an event. */
function refuseAllCensored({ events }: FollowUp, { fold }: Fold): void {
  if (Array.from(events).includes(1)) return;
  throw new SamMilError('InvalidInput', `no training patient of fold ${fold} has an event`, {
    expected: 'at least one event; several for each time bin',
    found: `${events.length} training patients, all censored`,
    next: 'check `event-column` and `event-values` of mil.split, or use fewer folds',
  });
}
