import type { LabelTable } from '../../domain/mil/labels/label-table.js';
import { readLabels } from '../../domain/mil/labels/labels.js';
import { matchLabels } from '../../domain/mil/labels/labeled-bags.js';
import { firstNames } from '../../domain/mil/bags/first-names.js';
import { lookMeasured } from '../../domain/mil/labels/class-names.js';
import { SamMilError } from '../../domain/errors.js';

/** What the user says about the columns and classes of the labels; the rest is recognized. */
export interface LabelChoices {
  keyColumn?: string;
  labelColumn?: string;
  classes?: string[];
}

/** A file of labels, matched with the slides. */
export interface LabelSource {
  path: string;
  choices: LabelChoices;
  classes: string[];
  /** Labeled slides of each class. */
  counts: number[];
  /** `contains`: the rows name patients, whose name is part of the names of their slides. */
  match: 'exact' | 'contains';
  /** Number of patients; undefined if the slides are not grouped. */
  patients?: number;
  /** Patients (slides, where they are not grouped) of the smallest class. */
  smallest: number;
  /** Slides without a label, and labels without a slide. */
  unmatched: { name: string; reason: string }[];
}

/**
 * Reads labels and matches them with the slides, by the name of the slide or, if that matches fewer of them,
 * by a part of it.
 * @throws SamMilError InvalidInput for labels that cannot be used, or that no slide has
 */
export function surveyLabels(path: string, keys: readonly string[], choices: LabelChoices): LabelSource {
  const table = readTable(path, choices);
  const exact = joined(keys, table, 'exact');
  const { bags, dropped, match } = exact.bags.length === keys.length ? exact : better(exact, keys, table);
  if (bags.length === 0) throw noneMatches(path, keys, table);
  const groups = bags.flatMap(({ group }) => group ?? []);
  const classes = table.classes.map((_, label) => bags.filter((bag) => bag.label === label));
  const size = (members: typeof bags) => new Set(members.map(({ group, key }) => group ?? key)).size;
  const smallest = Math.min(...classes.map(size));
  if (smallest < 2) {
    const name = table.classes[classes.findIndex((members) => size(members) === smallest)];
    if (lookMeasured(table.classes)) throw notClasses(path, table.classes);
    throw new SamMilError('InvalidInput', `class "${name}" is too small for cross-validation`, {
      file: path,
      expected: `at least two slides, of different patients`,
      found: `${smallest}`,
    });
  }
  return {
    path,
    choices,
    classes: table.classes,
    counts: classes.map((members) => members.length),
    match,
    ...(groups.length > 0 && { patients: new Set(groups).size }),
    smallest,
    unmatched: dropped,
  };
}

const OTHER_ENDPOINTS = 'init writes pipelines of classes (survival and regression: docs/endpoints.md)';

function notClasses(path: string, names: readonly string[]): SamMilError {
  return new SamMilError('InvalidInput', 'the labels are numbers, not classes', {
    file: path,
    expected: 'a class of each slide',
    found: firstNames(names),
    next: `name the column of classes with --label-column; ${OTHER_ENDPOINTS}`,
  });
}

/** Options of `init` take the place of the parameters of `mil.split` in what to do next. */
function readTable(path: string, choices: LabelChoices): LabelTable {
  try {
    return readLabels(path, choices);
  } catch (error) {
    if (!(error instanceof SamMilError) || error.facts.next === undefined) throw error;
    const next = error.facts.next
      .replace(
        /set `classes: \[(.*)\]`/,
        (_, names: string) => `add --classes ${names.replaceAll(', ', ',')}`,
      )
      .replace(/set `(key|label)-column`/, 'add --$1-column NAME')
      .replace(/; for times and events set `endpoint: survival`/, `; ${OTHER_ENDPOINTS}`);
    throw new SamMilError(error.code, error.what, { ...error.facts, next });
  }
}

type Joined = ReturnType<typeof matchLabels> & { match: LabelSource['match'] };

function joined(keys: readonly string[], table: LabelTable, match: LabelSource['match']): Joined {
  const items = keys.map((key) => ({ key, fields: {}, status: 'done' as const, outputs: {} }));
  return { ...matchLabels(items, table, { match, unmatched: 'drop' }), match };
}

function better(exact: Joined, keys: readonly string[], table: LabelTable): Joined {
  try {
    const contained = joined(keys, table, 'contains');
    return contained.bags.length > exact.bags.length ? contained : exact;
  } catch (error) {
    // Names that contain several others: the rows do not name patients.
    if (error instanceof SamMilError) return exact;
    throw error;
  }
}

function noneMatches(path: string, keys: readonly string[], { rows }: LabelTable): SamMilError {
  const few = (names: readonly string[]) => names.slice(0, 3).join(', ');
  return new SamMilError('InvalidInput', 'no slide has a label', {
    file: path,
    expected: `rows for ${few(keys)}`,
    found: few(rows.map(({ name }) => name)),
    next: 'write the names of the slides into the file, or name their column with --key-column',
  });
}
