import { combineScores, type Combination } from '../combine/patient-scores.js';
import { agreedValues, type Patients } from '../combine/patients.js';
import type { Numbers } from '../../statistics/ranking.js';

/** A slide, or a patient, with one score and what is known of it, as far as it is known. */
export interface Case {
  key: string;
  patient?: string;
  site?: string;
  /** Number of slides of a patient. */
  slides?: number;
  /** Risk or predicted value. */
  score: number;
  /** Survival after each time bin. */
  curve?: Numbers;
  followUp?: { time: number; event: 0 | 1 };
  value?: number;
}

/**
 * Combines the slides of each patient. A patient's curve is the mean of those of its slides, or with `max`
 * that of the slide with the highest risk, so that risk and curve agree.
 * @returns one entry per patient, in the order of their first slides
 * @throws SamMilError InvalidInput naming the patients whose slides have different times, events, values or
 *   sites
 */
export function combineCases(slides: readonly Case[], patients: Patients, by: Combination): Case[] {
  const agreed = <T extends string | number>(of: (one: Case) => T | undefined, what: string) =>
    agreedValues(slides.map((one) => of(one) ?? null), patients, what); // prettier-ignore
  const times = agreed(({ followUp }) => followUp?.time, 'times');
  const events = agreed(({ followUp }) => followUp?.event, 'events');
  const values = agreed(({ value }) => value, 'values');
  const sites = agreed(({ site }) => site, 'sites');
  const scores = combineScores(slides.map(({ score }) => score), patients, by); // prettier-ignore
  return patients.names.map((key, i) => {
    const own = patients.members[i].map((row) => slides[row]);
    const curve = combineCurves(own, by);
    const [time, event, value, site] = [times[i], events[i], values[i], sites[i]];
    return {
      ...{ key, slides: own.length, score: scores[i] },
      ...(curve && { curve }),
      ...(time !== null && event !== null && { followUp: { time, event } }),
      ...(value !== null && { value }),
      ...(site !== null && { site }),
    };
  });
}

function combineCurves(slides: readonly Case[], by: Combination): Numbers | undefined {
  const curves = slides.flatMap(({ curve }) => (curve === undefined ? [] : [curve]));
  if (curves.length < slides.length) return undefined;
  if (by === 'max') {
    const scores = slides.map(({ score }) => score);
    return curves[scores.indexOf(Math.max(...scores))];
  }
  return Float64Array.from(curves[0], (_, k) => curves.reduce((sum, row) => sum + row[k], 0) / curves.length);
}
