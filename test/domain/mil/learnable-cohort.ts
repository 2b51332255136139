import { readFileSync, writeFileSync } from 'node:fs';
import { readSplits, formatSplits, type Splits } from '../../../domain/mil/split/splits.js';
import { digestOf } from '../../../domain/digest.js';
import { makeCohort, type Cohort } from './cohort.js';

/** Bags that have the pattern of {@link makeCohort} have events early, or a high value. */
export function outcomeOfSlide(i: number): { time: number; event: 0 | 1; value: number } {
  const positive = i % 2 === 1;
  return {
    time: (positive ? 2 : 30) + ((5 * i) % 7),
    event: i % 5 === 4 ? 0 : 1,
    value: (positive ? 3 : -1) + (i % 3) / 10,
  };
}

/** The cohort of {@link makeCohort}, whose splits state survival or values. */
export function makeLearnableCohort(
  folder: string,
  endpoint: 'survival' | 'regression',
  change: (splits: Splits) => Splits = (splits) => splits,
): Cohort {
  const cohort = makeCohort(folder);
  const of = <T>(value: (i: number) => T) => Object.fromEntries(cohort.keys.map((key, i) => [key, value(i)]));
  const splits: Splits = {
    ...readSplits(cohort.splits.path),
    endpoint,
    classes: ['low', 'high'],
    ...(endpoint === 'survival'
      ? {
          quantity: 'os_months',
          followUp: of((i) => ({ time: outcomeOfSlide(i).time, event: outcomeOfSlide(i).event })),
        }
      : { quantity: 'score', values: of((i) => outcomeOfSlide(i).value) }),
  };
  writeFileSync(cohort.splits.path, formatSplits(change(splits)));
  const digest = digestOf(readFileSync(cohort.splits.path));
  return { ...cohort, splits: { ...cohort.splits, digest } };
}
