import { join } from 'node:path';
import { digestOf } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { firstNames } from '../bags/first-names.js';
import { writeAtomic } from '../../files/atomic.js';
import { readItems } from '../../engine/store/items.js';
import type { Job, JobResult } from '../../job.js';
import { identicalBags } from './identical-bags.js';
import { readGivenSplits } from './given-splits.js';
import { matchLabels, type LabeledBag } from './labeled-bags.js';
import { readLabels, type LabelTable } from './labels.js';
import { referenceScheme, stratifiedScheme } from './split-schemes.js';
import { checkSplits, formatSplits, SET_NAMES, type Fold, type Repeat, type Splits } from './splits.js';
import type { SplitWith } from './parameters.js';

/** Labels and bags to a splits file. Pure but for reading; refused input names the slides. */
export async function run(job: Job<SplitWith>): Promise<JobResult> {
  const { splits, dropped } = makeSplits(job.with);
  if (dropped.length > 0) {
    job.log('warn', `${dropped.length} slides or labels are left out`, {
      names: dropped.slice(0, 20).map(({ name, reason }) => `${name} (${reason})`),
    });
  }
  const identical = identicalBags(readItems(job.with.bags.path));
  if (identical.length > 0) {
    job.log(
      'warn',
      `${identical.length} slides are there under several names: give them one patient (group-column)`,
      {
        names: identical.slice(0, 20).map((names) => names.join(' = ')),
      },
    );
  }
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
      dropped: dropped.map(({ name, reason }) => ({ name, reason })),
      identical,
    },
  };
}

/** The splits that the parameters ask for, checked for leaks. */
export function makeSplits(options: SplitWith): {
  splits: Splits;
  dropped: { name: string; reason: string }[];
} {
  const table = readLabels(options.labels.path, options);
  const { bags, dropped } = matchLabels(readItems(options.bags.path), table, options);
  refuseAbsentClass(bags, table);
  const groups = bags.flatMap(({ key, group }) => (group === undefined ? [] : [[key, group] as const]));
  const splits: Splits = {
    splits: 1,
    scheme: options.splits === undefined ? options.scheme : 'file',
    seed: options.seed,
    ...(options.splits === undefined ? {} : { source: options.splits.digest }),
    classes: table.classes,
    labels: Object.fromEntries(bags.map(({ key, label }) => [key, label])),
    ...(groups.length === 0 ? {} : { groups: Object.fromEntries(groups) }),
    repeats:
      options.splits === undefined
        ? buildRepeats(bags, table, options)
        : givenRepeats(bags, dropped, options),
  };
  checkSplits(splits, options.splits?.path ?? options.labels.path);
  return { splits, dropped };
}

/** A model would have an output that nothing trains: a heading taken for a row, or a class all of whose slides are missing. */
function refuseAbsentClass(bags: readonly LabeledBag[], { classes, file, rows }: LabelTable): void {
  const present = new Set(bags.map(({ label }) => label));
  const absent = classes.findIndex((_, label) => !present.has(label));
  if (absent < 0) return;
  const row = rows.find(({ label }) => label === absent);
  throw new SamMilError('InvalidInput', `no slide is of class "${classes[absent]}"`, {
    file: row === undefined ? file : `${file}:${row.line}`,
    expected: `slides of ${classes.join(', ')}`,
    found: `${bags.length} slides with a label, none of that class`,
    next: 'correct the labels (a heading of other names is taken for a row: set `label-column`), or bring such slides',
  });
}

function buildRepeats(bags: readonly LabeledBag[], table: LabelTable, options: SplitWith): Repeat[] {
  return Array.from({ length: options.repeats }, (_, repeat) => {
    const seed = options.seed + repeat;
    const settings = { folds: options.folds, seed, valRatio: options.valRatio };
    const folds =
      options.scheme === 'reference'
        ? referenceScheme(
            bags,
            table.rows.map(({ label }) => label),
            table.classes,
            settings,
          )
        : stratifiedScheme(bags, table.classes, settings);
    return { repeat, seed, folds };
  });
}

/** Lists of a given file, without the slides that ended early; a name that was never there is refused. */
function givenRepeats(
  bags: readonly LabeledBag[],
  dropped: readonly { name: string }[],
  options: SplitWith,
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
    throw new SamMilError('InvalidInput', 'the splits file names slides that are not there', {
      file,
      found: `${strangers.length}: ${firstNames(strangers)}`,
      next: 'correct the file, or set `unmatched: drop` to leave these out',
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

function countFold(splits: Splits, { repeat, seed }: Repeat, fold: Fold) {
  const count = (keys: readonly string[]) =>
    Object.fromEntries(
      splits.classes.map((name, k) => [name, keys.filter((key) => splits.labels[key] === k).length]),
    );
  return {
    repeat,
    seed,
    fold: fold.fold,
    train: count(fold.train),
    val: count(fold.val),
    test: count(fold.test),
  };
}
