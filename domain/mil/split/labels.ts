import { SamMilError } from '../../errors.js';
import { readCsv } from '../../files/csv.js';

/** One row of a labels file. `label` indexes {@link LabelTable.classes}. */
export interface LabelRow {
  line: number;
  /** The slide, case or patient of the row, as written. */
  name: string;
  label: number;
  /** The patient, whose slides must stay in one set. Absent if the row is not grouped. */
  group?: string;
}

export interface LabelTable {
  file: string;
  /** Names in class-index order. */
  classes: string[];
  rows: LabelRow[];
}

export interface LabelOptions {
  keyColumn?: string;
  labelColumn?: string;
  /**
   * Column whose equal values stay in one set; `none` disables grouping. Default: a patient column, if the
   * file has one.
   */
  groupColumn?: string;
  /** Class names in index order (the last of two is the positive one). Default: sorted, numbers by value. */
  classes?: readonly string[];
}

const KEY_COLUMNS = [
  'slide_id',
  'slide',
  'name',
  'image_id',
  'image',
  'filename',
  'file',
  'bag_id',
  'bag',
  'case_id',
  'case',
  'patient',
];
const LABEL_COLUMNS = ['label', 'bag_label', 'slide_label', 'class', 'target', 'oncotree_code', 'diagnosis'];
const GROUP_COLUMNS = ['patient', 'patient_id', 'case_id', 'case'];

/**
 * Reads a labels CSV. With a header, columns are found by name. Without one, they are name and label, as in
 * the published CAMELYON16 and TCGA files. A file has a header if its first row contains the name of a known
 * label column or the options request a column by name.
 *
 * @throws SamMilError InvalidInput naming the file and line: unknown column, empty cell, repeated name, fewer
 *   than two classes
 */
export function readLabels(path: string, options: LabelOptions = {}): LabelTable {
  const table = readCsv(path, { header: false });
  const lines = table.rows.map(({ line, values }) => ({
    line,
    cells: table.columns.map((column) => (values[column] ?? '').trim()),
  }));
  const columns = findColumns(path, lines[0].cells, options);
  const rows = (columns.header ? lines.slice(1) : lines).map(({ line, cells }) => {
    const [name, label] = [cells[columns.key] ?? '', cells[columns.label] ?? ''];
    if (name === '' || label === '') {
      throw new SamMilError('InvalidInput', 'this row has no name or no label', {
        file: `${path}:${line}`,
        found: cells.join(',').slice(0, 120),
      });
    }
    const group = columns.group === undefined ? undefined : cells[columns.group];
    return { line, name, label, ...(group ? { group } : {}) };
  });
  refuseRepeats(path, rows);
  const classes = classNames(path, rows, options.classes);
  return { file: path, classes, rows: rows.map((row) => ({ ...row, label: classes.indexOf(row.label) })) };
}

interface Columns {
  header: boolean;
  key: number;
  label: number;
  group?: number;
}

function findColumns(path: string, first: readonly string[], options: LabelOptions): Columns {
  const names = first.map((cell) => cell.toLowerCase());
  const grouped = options.groupColumn !== undefined && options.groupColumn !== 'none';
  const byName = options.keyColumn !== undefined || options.labelColumn !== undefined || grouped;
  if (!byName && !names.some((name) => LABEL_COLUMNS.includes(name))) {
    if (first.length >= 2) return { header: false, key: 0, label: 1 };
    throw new SamMilError('InvalidInput', 'labels need a name and a label', {
      file: path,
      expected: 'rows of name,label, or a header with a label column',
      found: first.join(','),
    });
  }
  const find = (candidates: readonly string[], what: string) => {
    const at = candidates.map((name) => names.indexOf(name.toLowerCase())).find((index) => index >= 0);
    if (at !== undefined) return at;
    throw new SamMilError('InvalidInput', `no ${what} column`, {
      file: path,
      expected: `one of ${candidates.join(', ')}`,
      found: `columns ${first.join(', ')}`,
      next: `rename the column, or set ${what === 'group' ? 'group-column' : `${what}-column`}`,
    });
  };
  const key = find(options.keyColumn ? [options.keyColumn] : KEY_COLUMNS, 'key');
  const label = find(options.labelColumn ? [options.labelColumn] : LABEL_COLUMNS, 'label');
  if (grouped) return { header: true, key, label, group: find([options.groupColumn!], 'group') };
  const guessed = GROUP_COLUMNS.map((name) => names.indexOf(name)).find(
    (at) => at >= 0 && at !== key && at !== label,
  );
  return {
    header: true,
    key,
    label,
    ...(options.groupColumn === 'none' || guessed === undefined ? {} : { group: guessed }),
  };
}

function refuseRepeats(path: string, rows: readonly { line: number; name: string }[]): void {
  const lines = new Map<string, number>();
  for (const { line, name } of rows) {
    const before = lines.get(name);
    if (before !== undefined) {
      throw new SamMilError('InvalidInput', `"${name}" has two labels`, {
        file: `${path}:${line}`,
        found: `lines ${before} and ${line}`,
        next: 'keep one row per slide',
      });
    }
    lines.set(name, line);
  }
}

function classNames(
  path: string,
  rows: readonly { line: number; label: string }[],
  requested: readonly string[] | undefined,
): string[] {
  const present = [...new Set(rows.map(({ label }) => label))].sort(compareLabels);
  if (present.length < 2) {
    throw new SamMilError('InvalidInput', 'the labels have only one class', {
      file: path,
      expected: 'at least two classes',
      found: present.join(', ') || 'no rows',
    });
  }
  if (requested === undefined) return positiveLast(path, present);
  const twice = requested.find((name, i) => requested.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new SamMilError('InvalidInput', `\`classes\` contains "${twice}" twice`, {
      file: path,
      expected: 'each class once',
      found: requested.join(', '),
    });
  }
  const stranger = rows.find(({ label }) => !requested.includes(label));
  if (stranger !== undefined) {
    throw new SamMilError('InvalidInput', 'the label is not one of `classes`', {
      file: `${path}:${stranger.line}`,
      expected: requested.join(', '),
      found: stranger.label,
    });
  }
  return [...requested];
}

/** Names of negative classes. */
const NEGATIVE = /^(normal|negative|neg|benign|healthy|control|no|none|false|absent)$/i;

/**
 * The last of two sorted names is scored as the positive class. If it is a negative name, every F1 and
 * heatmap would be of the wrong class.
 */
function positiveLast(path: string, classes: string[]): string[] {
  const [first, last] = classes;
  if (classes.length !== 2 || !NEGATIVE.test(last) || NEGATIVE.test(first)) return classes;
  throw new SamMilError('InvalidInput', `"${last}" would be scored as the positive class`, {
    file: path,
    expected: 'the positive class last (alphabetical order unless `classes` is set)',
    found: classes.join(', '),
    next: `set \`classes: [${last}, ${first}]\``,
  });
}

function compareLabels(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y) && x !== y) return x - y;
  return a < b ? -1 : 1;
}
