import { SamMilError, together } from '../../errors.js';
import { firstNames } from '../bags/first-names.js';
import type { LabeledBag, MatchResult } from '../labels/labeled-bags.js';
import type { LabelTable } from '../labels/label-table.js';
import type { Splits } from './splits.js';

/**
 * Rejects a class without slides, for which a model would have an untrained output. Causes are slides that
 * were omitted, a header that was read as a row, or missing slides.
 */
export function refuseAbsentClass(
  bags: readonly LabeledBag[],
  { classes, file, rows }: LabelTable,
  skipped: MatchResult['skipped'],
): void {
  const present = new Set(bags.map(({ label }) => label));
  const absent = classes.findIndex((_, label) => !present.has(label));
  if (absent < 0) return;
  const own = rows.filter(({ label }) => label === absent);
  const omitted = skipped.filter(({ row }) => rows[row].label === absent);
  const place = own.length === 0 ? file : `${file}:${own[0].line}`;
  if (omitted.length > 0) {
    throw new SamMilError('InvalidInput', `all slides of class "${classes[absent]}" are omitted`, {
      file: place,
      expected: `slides of ${classes.join(', ')}`,
      found: omittedText(omitted),
      next: 'look into why they are omitted, or add slides of that class',
    });
  }
  throw new SamMilError('InvalidInput', `class "${classes[absent]}" has no slides`, {
    file: place,
    expected: `slides of ${classes.join(', ')}`,
    found: `${bags.length} labeled slides, none of that class`,
    next: 'correct the labels (if a header was read as a row, set `label-column`), or add slides of that class',
  });
}

/**
 * Rejects a cohort of survival or regression that teaches nothing, because slides were omitted or do not
 * exist: no slide, no event, equal values.
 */
export function refuseEmptyCohort(
  bags: readonly LabeledBag[],
  { file, endpoint, rows, quantity }: LabelTable,
  dropped: MatchResult['dropped'],
): void {
  const known = bags.map(({ row }) => rows[row]);
  const needed = endpoint === 'survival' ? 'the event' : `different values of ${quantity}`;
  const enough =
    endpoint === 'survival'
      ? known.some(({ followUp }) => followUp?.event === 1)
      : known.some(({ value }) => value !== known[0].value);
  if (enough) return;
  const slides = `${bags.length} labeled ${bags.length === 1 ? 'slide' : 'slides'}`;
  const what = bags.length === 0 ? 'no slide has a label' : `no slides with ${needed} are left`;
  throw new SamMilError('InvalidInput', what, {
    file,
    expected: `slides of patients with ${needed}`,
    found: dropped.length === 0 ? slides : `${slides}; ${omittedText(dropped)}`,
    next: 'add slides, or look into why these are omitted',
  });
}

/** `s1 (no tissue)`. */
export function omittedName({ name, reason }: { name: string; reason: string }): string {
  return `${name} (${reason})`;
}

function omittedText(omitted: MatchResult['dropped']): string {
  return `${omitted.length} omitted: ${firstNames(omitted.map(omittedName))}`;
}

/**
 * Rejects folds that teach nothing: a training set without an event, or with equal values.
 * @throws SamMilError InvalidInput naming repeat and fold, all at once
 */
export function refuseUntrainable(splits: Splits, file: string): void {
  const { followUp, values, quantity = '' } = splits;
  const faults = splits.repeats.flatMap(({ repeat, folds }) =>
    folds.flatMap(({ fold, train }) => {
      const place = `${file} (repeat ${repeat}, fold ${fold})`;
      if (followUp !== undefined) return noEvent(train.map((key) => followUp[key].event), place);
      if (values !== undefined) return constant(train.map((key) => values[key]), quantity, place);
      return [];
    }),
  ); // prettier-ignore
  if (faults.length > 0) throw together(faults, 'training sets teach nothing', { file });
}

function noEvent(events: readonly number[], file: string): SamMilError[] {
  if (events.includes(1)) return [];
  return [
    new SamMilError('InvalidInput', 'no training patient has the event', {
      file,
      expected: 'patients with the event in each training set',
      found: `${events.length} slides, all of censored patients`,
      next: 'lower `folds` or `val-ratio`, or add patients with the event',
    }),
  ];
}

function constant(values: readonly number[], quantity: string, file: string): SamMilError[] {
  if (values.some((value) => value !== values[0])) return [];
  return [
    new SamMilError('InvalidInput', `all training slides have the same ${quantity}`, {
      file,
      expected: 'values that differ',
      found: `${values[0]} for ${values.length} slides`,
      next: 'lower `folds` or `val-ratio`, or add slides',
    }),
  ];
}
