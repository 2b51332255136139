import { quantile } from '../../statistics/bootstrap.js';
import { firstNames } from '../bags/first-names.js';
import type { LabeledBag, MatchResult } from '../labels/labeled-bags.js';
import type { LabelTable } from '../labels/label-table.js';
import { onePerPatient } from './count-fold.js';
import { numberText, rangeText } from './strata.js';
import type { Fold, Splits } from './splits.js';

/** Splits, with what was read to make them. */
export interface MadeSplits {
  splits: Splits;
  table: LabelTable;
  bags: readonly LabeledBag[];
  dropped: MatchResult['dropped'];
}

/**
 * What was understood of the labels, as one sentence: `40 slides, 2 classes: normal 20, tumor 20 (positive);
 * 12 patients by column PatientID`.
 */
export function describeCohort({ splits, table }: Pick<MadeSplits, 'splits' | 'table'>): string {
  if (splits.endpoint !== 'classification') return describeQuantity(splits, table);
  const keys = Object.keys(splits.labels);
  const classes = splits.classes.map((name, k) => {
    const slides = keys.filter((key) => splits.labels[key] === k).length;
    return `${name} ${slides}${splits.classes.length === 2 && k === 1 ? ' (positive)' : ''}`;
  });
  const patients = new Set(Object.values(splits.groups ?? {})).size;
  const by =
    table.groupColumn === undefined ? 'by the names in the labels' : `by column ${table.groupColumn}`;
  const grouped =
    patients === 0
      ? 'no patient column: each slide counts as a patient'
      : `${plural(patients, 'patient')} ${by}`;
  return `${plural(keys.length, 'slide')}, ${classes.length} classes: ${classes.join(', ')}; ${grouped}`;
}

/**
 * As {@link describeCohort} for survival and regression: `118 slides of 96 patients (column case_id), 41
 * events (column censorship: 0), survival_months 0.3 to 142`.
 */
function describeQuantity(splits: Splits, { quantity = '', events: read, groupColumn }: LabelTable): string {
  const { followUp, values = {} } = splits;
  const keys = Object.keys(splits.labels);
  const patients = onePerPatient(splits, keys);
  const by = groupColumn === undefined ? 'by the names in the labels' : `column ${groupColumn}`;
  const grouped =
    splits.groups === undefined
      ? `${plural(keys.length, 'slide')} (no patient column: each slide counts as a patient)`
      : `${plural(keys.length, 'slide')} of ${plural(patients.length, 'patient')} (${by})`;
  if (followUp === undefined) {
    const numbers = patients.map((key) => values[key]).sort((a, b) => a - b);
    return `${grouped}, ${quantity} ${rangeText(numbers)}, median ${numberText(quantile(numbers, 0.5))}`;
  }
  const events = patients.filter((key) => followUp[key].event === 1).length;
  const times = rangeText(patients.map((key) => followUp[key].time));
  return `${grouped}, ${plural(events, 'event')}${readFrom(read)}, ${quantity} ${times}`;
}

/** ` (column os_status: 1:DECEASED)`. */
function readFrom(events: LabelTable['events']): string {
  return events === undefined ? '' : ` (column ${events.column}: ${firstNames(events.texts)})`;
}

/** What a reader of the results must know about the splits. */
export function splitWarnings(made: MadeSplits): string[] {
  const { splits, dropped } = made;
  const omitted =
    dropped.length === 0
      ? []
      : [
          `${plural(dropped.length, 'slide or label', 'slides or labels')} ${dropped.length === 1 ? 'is' : 'are'} omitted: ${firstNames(dropped.map(({ name, reason }) => `${name} (${reason})`))}`,
        ];
  const lacking = splits.endpoint === 'classification' ? missingClasses(splits) : missingEvents(splits);
  return [...omitted, ...made.table.warnings, ...lacking, ...dividedPatients(made)];
}

/** Sets that lack a class: such a validation set selects no epoch, such a training set teaches no class. */
function missingClasses(splits: Splits): string[] {
  const lacks = (set: 'train' | 'val', fold: Fold) => {
    const held = new Set(fold[set].map((key) => splits.labels[key]));
    return fold[set].length === 0 ? [] : splits.classes.filter((_, k) => !held.has(k));
  };
  const places = (set: 'train' | 'val') =>
    splits.repeats.flatMap(({ repeat, folds }) =>
      folds.flatMap((fold) =>
        lacks(set, fold).map((name) => `${name} in repeat ${repeat}, fold ${fold.fold}`),
      ),
    );
  const [train, val] = [places('train'), places('val')];
  return [
    ...(train.length === 0 ? [] : [`the training set lacks a class: ${firstNames(train)}`]),
    ...(val.length === 0
      ? []
      : [`the validation set lacks a class, so the last epoch is kept there: ${firstNames(val)}`]),
  ];
}

/** Sets whose concordance is not defined, because no patient has the event. */
function missingEvents({ followUp, repeats }: Splits): string[] {
  if (followUp === undefined) return [];
  const places = (set: 'val' | 'test') =>
    repeats.flatMap(({ repeat, folds }) =>
      folds
        .filter((fold) => fold[set].length > 0 && fold[set].every((key) => followUp[key].event === 0))
        .map(({ fold }) => `repeat ${repeat}, fold ${fold}`),
    );
  const [val, test] = [places('val'), places('test')];
  return [
    ...(test.length === 0
      ? []
      : [`the test set has no event, so its concordance is undefined: ${firstNames(test)}`]),
    ...(val.length === 0
      ? []
      : [`the validation set has no event, so the last epoch is kept there: ${firstNames(val)}`]),
  ];
}

/** With `group-column: none`, a model may be tested on patients that it was trained on. */
function dividedPatients({ splits, table, bags }: MadeSplits): string[] {
  const patients = new Map(bags.map(({ key, row }) => [key, table.rows[row].ignoredGroup]));
  const divided = new Set<string>();
  for (const { train, val, test } of splits.repeats.flatMap(({ folds }) => folds)) {
    const trained = new Set([...train, ...val].map((key) => patients.get(key)));
    for (const key of test) {
      const patient = patients.get(key);
      if (patient !== undefined && trained.has(patient)) divided.add(patient);
    }
  }
  const all = new Set([...patients.values()].filter((patient) => patient !== undefined)).size;
  return divided.size === 0
    ? []
    : [
        `${divided.size} of ${plural(all, 'patient')} are tested by models that were trained or validated on them (group-column: none)`,
      ];
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
