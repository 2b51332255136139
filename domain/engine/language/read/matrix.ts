import { canonicalJson, type Json, type JsonObject } from '../../../json.js';
import { suggest } from '../expressions/did-you-mean.js';
import { describeNode, describeValue } from './describe.js';
import type { SourceDocument } from './document.js';
import { openMap, type ReadContext } from './map-reader.js';
import { fileNameFault, nameFault } from './names.js';
import { resolveStatic } from './node-expressions.js';
import type { MatrixCell } from '../plan/plan.js';
import type { Place } from '../problems/problems.js';
import type { Entry, YamlNode } from './yaml-nodes.js';

/** Maximum number of cells, which keeps plans small. Long lists of items belong in `foreach`. */
export const MAX_CELLS = 1000;

interface Axis {
  name: string;
  place: Place;
  values: Json[];
}

/** Axes of a matrix, and its cells if the matrix is valid. */
interface Part {
  axes: string[];
  cells?: Cell[];
}

/**
 * Reads `matrix:`, a mapping of axes or a list of such mappings whose cells are combined. Cells are in file
 * order: the last axis varies fastest. `include` and `exclude` work as in GitHub Actions: `exclude` is
 * applied first; an `include` mapping adds its other keys to every cell whose axes it matches, and becomes a
 * separate cell if it matches none. The key of a cell is the values of its axes joined by `-`; for a cell
 * from `include`, all its values.
 */
export function readMatrix(entry: Entry, context: ReadContext): SourceDocument & { kind: 'matrix' } {
  const { value, keyPlace: place } = entry;
  const nodes = value.kind === 'list' && value.items.length > 0 ? value.items : [value];
  const parts = nodes.map((node) => readPart(node, nodes.length > 1 ? node.place : place, context));
  const axes = [...new Set(parts.flatMap((part) => part.axes))];
  const cells = parts.flatMap((part) => part.cells ?? []);
  if (parts.some((part) => part.cells === undefined)) return { kind: 'matrix', axes, place };
  if (cells.length > MAX_CELLS) {
    const message = `the matrices have ${cells.length} cells in total; at most ${MAX_CELLS} are allowed`;
    context.problems.error('matrix-too-large', place, message, 'for many items use foreach');
    return { kind: 'matrix', axes, place };
  }
  return { kind: 'matrix', axes, cells: checkedCells(cells, place, context), place };
}

function readPart(node: YamlNode, place: Place, context: ReadContext): Part {
  const map = openMap(node, '`matrix`', ['*'], context);
  const entries = map?.node.entries ?? [];
  const axisEntries = entries.filter(({ key }) => key !== 'include' && key !== 'exclude');
  const read = axisEntries.map((axis) => readAxis(axis, context));
  const axes = read.filter((axis) => axis !== undefined);
  const names = axisEntries.map(({ key }) => key);
  const include = readPatterns(map?.entry('include'), undefined, context);
  const exclude = readPatterns(map?.entry('exclude'), names, context);
  const allNames = [...new Set([...names, ...(include ?? []).flatMap(({ values }) => Object.keys(values))])];
  if (map === undefined || axes.length < read.length || !include || !exclude) return { axes: allNames };
  const count = axes.reduce((product, axis) => product * axis.values.length, axes.length === 0 ? 0 : 1);
  if (count > MAX_CELLS) {
    const sizes = axes.map(({ name, values }) => `${name} ${values.length}`).join(' × ');
    const message = `the matrix has ${count} cells (${sizes}); at most ${MAX_CELLS} are allowed`;
    context.problems.error('matrix-too-large', place, message, 'for many items use foreach');
    return { axes: allNames };
  }
  return { axes: allNames, cells: expand(axes, include, exclude, context) };
}

interface Pattern {
  values: JsonObject;
  place: Place;
}

function readAxis(entry: Entry, context: ReadContext): Axis | undefined {
  const { key: name, keyPlace: place } = entry;
  const fault = nameFault(name);
  if (fault !== undefined) {
    context.problems.error('bad-name', place, `\`${name}\` is not a valid axis name: ${fault}`);
    return undefined;
  }
  const value = resolveStatic(entry.value, context.known, context.problems);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) {
    const message = `axis \`${name}\` must be a list, found ${describeValue(value)}`;
    context.problems.error('wrong-type', entry.value.place, message, `write ${name}: [a, b]`);
    return undefined;
  }
  return isAxis(name, value, entry.value, context) ? { name, place, values: value } : undefined;
}

function isAxis(name: string, values: Json[], node: YamlNode, context: ReadContext): boolean {
  if (values.length === 0) {
    context.problems.error(
      'empty-matrix',
      node.place,
      `axis \`${name}\` has no values, so the stage has no cells`,
    );
    return false;
  }
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    const place = node.kind === 'list' ? node.items[index].place : node.place;
    if (!isScalar(value)) {
      const message = `axis \`${name}\` must contain only text, numbers or true/false, found ${describeValue(value)}`;
      context.problems.error('wrong-type', place, message);
      return false;
    }
    if (seen.has(canonicalJson(value))) {
      context.problems.error(
        'duplicate-cell',
        place,
        `axis \`${name}\` contains ${describeValue(value)} twice`,
      );
      return false;
    }
    seen.add(canonicalJson(value));
  }
  return true;
}

function isScalar(value: Json): value is string | number | boolean {
  return typeof value !== 'object';
}

/**
 * Reads the mappings of `include` or `exclude`. If `names` is given, no other keys are allowed. Returns
 * undefined if a mapping is invalid.
 */
function readPatterns(
  entry: Entry | undefined,
  names: readonly string[] | undefined,
  context: ReadContext,
): Pattern[] | undefined {
  if (entry === undefined) return [];
  if (entry.value.kind !== 'list') {
    const message = `\`${entry.key}\` must be a list of mappings, found ${describeNode(entry.value)}`;
    context.problems.error(
      'wrong-type',
      entry.value.place,
      message,
      `write ${entry.key}: [{ model: abmil }]`,
    );
    return undefined;
  }
  const patterns = entry.value.items.map((node) => readPattern(node, entry.key, names, context));
  return patterns.includes(undefined) ? undefined : (patterns as Pattern[]);
}

function readPattern(
  node: YamlNode,
  what: string,
  names: readonly string[] | undefined,
  context: ReadContext,
): Pattern | undefined {
  const map = openMap(node, `a member of \`${what}\``, ['*'], context);
  if (map === undefined) return undefined;
  let valid = true;
  for (const { key, keyPlace } of map.node.entries) {
    const fault = nameFault(key);
    if (names?.includes(key) === false) {
      context.problems.error(
        'unknown-name',
        keyPlace,
        `the matrix has no axis \`${key}\``,
        suggest(key, names, 'axes'),
      );
      valid = false;
    } else if (fault !== undefined) {
      context.problems.error(
        'bad-name',
        keyPlace,
        `\`${key}\` is not a valid name for a matrix value: ${fault}`,
      );
      valid = false;
    }
  }
  const values = resolveStatic(node, context.known, context.problems) as JsonObject | undefined;
  for (const [key, value] of Object.entries(values ?? {})) {
    if (isScalar(value)) continue;
    const place = map.entry(key)?.value.place ?? node.place;
    const message = `\`${key}\` must be text, a number or true/false, found ${describeValue(value)}`;
    context.problems.error('wrong-type', place, message);
    valid = false;
  }
  return valid && values !== undefined ? { values, place: node.place } : undefined;
}

interface Cell extends MatrixCell {
  place?: Place;
}

function expand(axes: Axis[], include: Pattern[], exclude: Pattern[], context: ReadContext): Cell[] {
  const names = axes.map(({ name }) => name);
  const product = axes.reduce<JsonObject[]>(
    (cells, { name, values }) => cells.flatMap((cell) => values.map((value) => ({ ...cell, [name]: value }))),
    axes.length === 0 ? [] : [{}],
  );
  const used = exclude.map(() => false);
  const kept = product.filter((cell) => {
    const matches = exclude.map((pattern, index) => {
      const agreed = agrees(cell, pattern.values, names);
      used[index] ||= agreed;
      return agreed;
    });
    return !matches.includes(true);
  });
  exclude.forEach(({ place }, index) => {
    if (!used[index]) context.problems.warning('unused-filter', place, 'this `exclude` matches no cell');
  });
  return includeCells(kept, include, names);
}

function includeCells(product: JsonObject[], include: Pattern[], names: string[]): Cell[] {
  const cells: Cell[] = product.map((values) => ({ key: joinKey(values, names), values: { ...values } }));
  const added: Cell[] = [];
  for (const { values, place } of include) {
    const fitting = product.flatMap((cell, index) => (agrees(cell, values, names) ? [cells[index]] : []));
    for (const cell of fitting) Object.assign(cell.values, values);
    if (fitting.length > 0) continue;
    const ordered = [
      ...names.filter((name) => Object.hasOwn(values, name)),
      ...Object.keys(values).filter((name) => !names.includes(name)),
    ];
    added.push({ key: joinKey(values, ordered), values, place });
  }
  return [...cells, ...added];
}

/** Whether a cell matches `pattern` in all axes that `pattern` contains. */
function agrees(cell: JsonObject, pattern: JsonObject, names: readonly string[]): boolean {
  return names.every(
    (name) => !Object.hasOwn(pattern, name) || canonicalJson(pattern[name]) === canonicalJson(cell[name]),
  );
}

function joinKey(values: JsonObject, names: readonly string[]): string {
  return names.map((name) => String(values[name] as string | number | boolean)).join('-');
}

function checkedCells(cells: Cell[], place: Place, context: ReadContext): MatrixCell[] | undefined {
  if (cells.length === 0) {
    context.problems.error('empty-matrix', place, 'the matrix has no cells');
    return undefined;
  }
  const seen = new Map<string, JsonObject>();
  let valid = true;
  for (const { key, values, place: own = place } of cells) {
    const fault = fileNameFault(key);
    const existing = seen.get(key.toLowerCase());
    if (fault !== undefined) {
      const message = `the cell key \`${key}\` is not a valid folder name: ${fault}`;
      context.problems.error('bad-name', own, message, 'choose other values for the matrix');
      valid = false;
    } else if (existing !== undefined) {
      const message = `two cells have the key \`${key}\`: ${canonicalJson(existing)} and ${canonicalJson(values)}`;
      context.problems.error('duplicate-cell', own, message);
      valid = false;
    }
    seen.set(key.toLowerCase(), values);
  }
  return valid ? cells.map(({ key, values }) => ({ key, values })) : undefined;
}
