import { join } from 'node:path';
import { digestOf } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { findBags } from '../bags/bags.js';
import { firstNames } from '../bags/first-names.js';
import { writeAtomic } from '../../files/atomic.js';
import { readItems } from '../../engine/store/items.js';
import type { ItemRecord, Job, JobResult } from '../../job.js';
import { describeCohort, splitWarnings, type MadeSplits } from './describe-splits.js';
import { identicalBags } from './identical-bags.js';
import { readGivenSplits } from './given-splits.js';
import { matchLabels, type LabeledBag } from '../labels/labeled-bags.js';
import { countFold } from './count-fold.js';
import { refuseIdleParameters } from './idle-parameters.js';
import type { LabelTable } from '../labels/label-table.js';
import { readLabels } from '../labels/labels.js';
import { referenceScheme, stratifiedScheme, wholeScheme, type Spread } from './split-schemes.js';
import { checkSplits, formatSplits, SET_NAMES, type Repeat, type Splits } from './splits.js';
import { stratify } from './strata.js';
import { omittedName, refuseAbsentClass, refuseEmptyCohort, refuseUntrainable } from './usable-splits.js';
import type { SplitWith } from './parameters.js';

/** Creates a splits file from labels and bags. Errors name the slides. */
export async function run(job: Job<SplitWith>): Promise<JobResult> {
  const items = readItems(job.with.bags.path);
  const made = splitItems(items, job.with);
  const { splits, dropped } = made;
  const used = new Set(Object.keys(splits.labels));
  const bags = findBags(items, job.work).filter(({ key }) => used.has(key));
  const identical = identicalBags(bags, job);
  const warnings = [...splitWarnings(made), ...identicalWarning(identical)];
  for (const warning of warnings) job.log('warn', warning);
  const text = formatSplits(splits);
  const path = join(job.scratch, 'splits.json');
  writeAtomic(path, text);
  return {
    files: { splits: { from: path, to: 'splits.json' } },
    values: {
      summary: splits.repeats.flatMap((repeat) =>
        repeat.folds.map((fold) => countFold(splits, repeat, fold)),
      ),
      digest: digestOf(text),
      slides: Object.keys(splits.labels).length,
      cohort: describeCohort(made),
      dropped: dropped.map(({ name, reason }) => ({ name, reason })),
      identical,
      warnings,
    },
  };
}

function identicalWarning(identical: readonly string[][]): string[] {
  if (identical.length === 0) return [];
  const named = firstNames(identical.map((names) => names.join(' = ')));
  return [
    `${identical.length} slides exist under several names: assign each to one patient (group-column): ${named}`,
  ];
}

/** Creates the splits that the parameters request, and checks them for leaks. */
export function makeSplits(options: SplitWith): MadeSplits {
  return splitItems(readItems(options.bags.path), options);
}

/** As {@link makeSplits}, for these items. */
export function splitItems(items: readonly ItemRecord[], options: Omit<SplitWith, 'bags'>): MadeSplits {
  refuseIdleParameters(options);
  const endpoint = options.endpoint ?? 'classification';
  const table = readLabels(options.labels.path, options);
  const matched = matchLabels(items, table, options);
  const { dropped, skipped } = matched;
  if (endpoint === 'classification') refuseAbsentClass(matched.bags, table, skipped);
  else refuseEmptyCohort(matched.bags, table, dropped);
  const { bags, classes } =
    endpoint === 'classification'
      ? { bags: matched.bags, classes: table.classes }
      : stratify(matched.bags, table, options.folds);
  const omitted = classes.map((_, k) =>
    skipped.filter(({ row }) => table.rows[row].label === k).map(omittedName),
  );
  const groups = bags.flatMap(({ key, group }) => (group === undefined ? [] : [[key, group] as const]));
  const splits: Splits = {
    splits: 1,
    scheme: options.splits === undefined ? options.scheme : 'file',
    seed: options.seed,
    endpoint,
    ...(options.splits === undefined ? {} : { source: options.splits.digest }),
    classes,
    labels: Object.fromEntries(bags.map(({ key, label }) => [key, label])),
    ...quantities(bags, table),
    ...(groups.length === 0 ? {} : { groups: Object.fromEntries(groups) }),
    repeats:
      options.splits === undefined
        ? buildRepeats(bags, table, { endpoint, classes, omitted }, options)
        : givenRepeats(bags, dropped, options),
  };
  checkSplits(splits, options.splits?.path ?? options.labels.path);
  refuseUntrainable(splits, options.splits?.path ?? options.labels.path);
  return { splits, table, bags, dropped };
}

/** The times and events, or values, of the bags. */
function quantities(
  bags: readonly LabeledBag[],
  { rows, quantity }: LabelTable,
): Pick<Splits, 'quantity' | 'followUp' | 'values'> {
  if (quantity === undefined) return {};
  const followed = bags.flatMap(({ key, row }) => {
    const { followUp } = rows[row];
    return followUp === undefined ? [] : [[key, followUp] as const];
  });
  const valued = bags.flatMap(({ key, row }) => {
    const { value } = rows[row];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    quantity,
    ...(followed.length > 0 && { followUp: Object.fromEntries(followed) }),
    ...(valued.length > 0 && { values: Object.fromEntries(valued) }),
  };
}

function buildRepeats(
  bags: readonly LabeledBag[],
  table: LabelTable,
  spread: Spread,
  options: Omit<SplitWith, 'bags'>,
): Repeat[] {
  return Array.from({ length: options.repeats }, (_, repeat) => {
    const seed = options.seed + repeat;
    const settings = { folds: options.folds, seed, valRatio: options.valRatio };
    if (options.scheme === 'all') return { repeat, seed, folds: wholeScheme(bags, spread, settings) };
    const folds =
      options.scheme === 'reference'
        ? referenceScheme(
            bags,
            table.rows.map(({ label }) => label),
            table.classes,
            settings,
          )
        : stratifiedScheme(bags, spread, settings);
    return { repeat, seed, folds };
  });
}

/**
 * Reads the lists of a given file without slides that were skipped or failed earlier. Unknown names are
 * rejected.
 */
function givenRepeats(
  bags: readonly LabeledBag[],
  dropped: readonly { name: string }[],
  options: Omit<SplitWith, 'bags'>,
): Repeat[] {
  const file = options.splits!.path;
  const known = new Set(bags.map(({ key }) => key));
  const gone = new Set(dropped.map(({ name }) => name));
  const repeats = readGivenSplits(file, options.seed);
  const named = repeats.flatMap(({ folds }) =>
    folds.flatMap((fold) => SET_NAMES.flatMap((set) => fold[set] ?? [])),
  );
  const strangers = [...new Set(named)].filter((key) => !known.has(key) && !gone.has(key));
  if (strangers.length > 0 && options.unmatched === 'error') {
    throw new SamMilError('InvalidInput', 'the splits file names unknown slides', {
      file,
      found: `${strangers.length}: ${firstNames(strangers)}`,
      next: 'correct the file, or set `unmatched: drop` to omit these',
    });
  }
  const present = (list: readonly string[]) => list.filter((key) => known.has(key));
  return repeats.map(({ folds, ...repeat }) => ({
    ...repeat,
    folds: folds.map(({ fold, train, val, test }) => {
      const held = new Set([...val, ...test]);
      const rest = train ?? bags.map(({ key }) => key).filter((key) => !held.has(key));
      return { fold, train: present(rest), val: present(val), test: present(test) };
    }),
  }));
}
