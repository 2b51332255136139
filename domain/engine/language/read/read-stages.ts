import { suggest } from '../expressions/did-you-mean.js';
import { describeNode, isScalarText } from './describe.js';
import type { Condition, Named, SourceDocument, StageDocument, StepDocument } from './document.js';
import { openMap, type MapReader, type ReadContext } from './map-reader.js';
import { readMatrix } from './matrix.js';
import { adoptChildren } from './misplaced.js';
import { nameFault } from './names.js';
import { reporting } from './node-expressions.js';
import { RESERVED_NAMES } from '../expressions/print.js';
import type { Place } from '../problems/problems.js';
import { readSettings, STAGE_SETTINGS, STEP_SETTINGS } from './read-settings.js';
import { parseTemplate, wholeExpression } from '../expressions/template.js';
import type { Entry, YamlNode } from './yaml-nodes.js';

const STEP_KEYS = ['id', 'uses', 'with', 'if', ...STEP_SETTINGS];
const STAGE_KEYS = [
  ...['description', 'uses', 'with', 'steps', 'needs', 'foreach', 'matrix', 'if', 'outputs'],
  ...STAGE_SETTINGS,
];

/** Reads the stages of a pipeline. Invalid parts of a stage are reported and left out. */
export function readStages(entry: Entry | undefined, context: ReadContext): StageDocument[] {
  const map = entry && openMap(entry.value, '`stages`', ['*'], context);
  const entries = map?.node.entries ?? [];
  if (map !== undefined && entries.length === 0) {
    context.problems.error('missing-key', map.node.place, 'the pipeline has no stages');
  }
  const stages = entries.map((stage) => readStage(stage, context));
  const seen = new Map<string, string>();
  for (const { name, place } of stages) {
    const existing = seen.get(name.toLowerCase());
    if (existing !== undefined && existing !== name) {
      const message = `\`${name}\` and \`${existing}\` would share a folder on a case-insensitive file system`;
      context.problems.error('duplicate-stage', place, message, 'rename one of them');
    }
    seen.set(name.toLowerCase(), name);
  }
  return stages;
}

function readStage(entry: Entry, context: ReadContext): StageDocument {
  const { key: name, keyPlace: place } = entry;
  const fault = nameFault(name);
  if (fault !== undefined) {
    context.problems.error('bad-name', place, `\`${name}\` is not a valid stage name: ${fault}`);
  }
  const node = adoptChildren(entry.value, STAGE_KEYS, context.problems);
  const map = openMap(node, `stage \`${name}\``, STAGE_KEYS, context);
  if (map === undefined) return unreadStage(name, place);
  const settings = readSettings(map, context);
  const single = map.entry('steps') === undefined;
  return {
    name,
    place,
    single,
    settings,
    description: map.text('description') ?? '',
    ...readNeeds(map),
    condition: readCondition(map, context),
    source: readSource(map, context),
    variants: readVariants(map, context),
    steps: single ? readUses(map, name, place, context) : readSteps(map, context),
    outputs: readEntries(map, 'outputs', context),
  };
}

/** Other stages may refer to a stage that could not be read. */
function unreadStage(name: string, place: Place): StageDocument {
  return {
    name,
    place,
    single: false,
    settings: {},
    description: '',
    needs: [],
    source: { kind: 'single' },
    steps: [],
  };
}

function readNeeds(map: MapReader): Pick<StageDocument, 'needs' | 'needsPlace' | 'needsBroken'> {
  const needs = map.names('needs');
  const value = map.entry('needs')?.value;
  const isEmpty = value === undefined || (value.kind === 'list' && value.items.length === 0);
  return { needs, needsPlace: value?.place, needsBroken: needs.length === 0 && !isEmpty };
}

/** Reads a stage with `uses`: its only step has the name of the stage. */
function readUses(map: MapReader, name: string, place: Place, context: ReadContext): StepDocument[] {
  const hint = 'name an activity: uses: mil.split, or list several under steps:';
  const uses = map.required('uses', place, hint) && map.text('uses');
  if (uses === undefined) return [];
  const named = { name: uses, place: valuePlace(map, 'uses') };
  return [{ id: name, place, uses: named, ...readWith(map, context), settings: {} }];
}

function readSteps(map: MapReader, context: ReadContext): StepDocument[] {
  for (const key of ['uses', 'with']) {
    const extra = map.entry(key);
    if (extra === undefined) continue;
    const message = `\`${key}\` cannot be combined with \`steps\``;
    context.problems.error('conflicting-keys', extra.keyPlace, message, 'move it into one of the steps');
  }
  const node = map.entry('steps')?.value;
  if (node?.kind !== 'list') {
    const found = node === undefined ? 'nothing' : describeNode(node);
    const hint = 'write one `- id: …` for each step';
    context.problems.error(
      'wrong-type',
      valuePlace(map, 'steps'),
      `\`steps\` must be a list, found ${found}`,
      hint,
    );
    return [];
  }
  if (node.items.length === 0) {
    context.problems.error('missing-key', valuePlace(map, 'steps'), '`steps` is empty');
  }
  const steps = node.items.flatMap((item) => readStep(item, context) ?? []);
  const seen = new Set<string>();
  for (const { id, place } of steps) {
    if (seen.has(id)) {
      context.problems.error(
        'duplicate-id',
        place,
        `two steps of this stage have the id \`${id}\``,
        'rename one of them',
      );
    }
    seen.add(id);
  }
  return steps;
}

function readStep(node: YamlNode, context: ReadContext): StepDocument | undefined {
  const placed = adoptChildren(node, STEP_KEYS, context.problems);
  const map = openMap(placed, 'a step', STEP_KEYS, context);
  if (map === undefined) return undefined;
  const at = map.node.entries[0]?.keyPlace ?? map.node.place;
  const id = map.required('id', at, 'the id names the step in ${{ steps.ID.outputs }}') && map.text('id');
  const uses = map.required('uses', at, 'name an activity: uses: pathology.patch') && map.text('uses');
  const fault = id === undefined ? undefined : nameFault(id);
  if (fault !== undefined) {
    context.problems.error('bad-name', valuePlace(map, 'id'), `\`${id}\` is not a valid step id: ${fault}`);
  }
  const settings = readSettings(map, context);
  const condition = readCondition(map, context);
  const given = readWith(map, context);
  if (id === undefined || uses === undefined) return undefined;
  const named = { name: uses, place: valuePlace(map, 'uses') };
  return { id, place: valuePlace(map, 'id'), uses: named, condition, ...given, settings };
}

function readWith(map: MapReader, context: ReadContext): Pick<StepDocument, 'with' | 'withBroken'> {
  const entries = readEntries(map, 'with', context);
  return { with: entries ?? [], withBroken: entries === undefined && map.entry('with') !== undefined };
}

function valuePlace(map: MapReader, key: string): Place {
  return map.entry(key)?.value.place ?? map.node.place;
}

function readEntries(map: MapReader, key: string, context: ReadContext): Entry[] | undefined {
  const entry = map.entry(key);
  return entry && openMap(entry.value, `\`${key}\``, ['*'], context)?.node.entries;
}

/** Reads `if`: an expression, with or without surrounding `${{ }}`. */
function readCondition(map: MapReader, context: ReadContext): Condition | undefined {
  const node = map.entry('if')?.value;
  if (node === undefined) return undefined;
  if (node.kind === 'scalar' && typeof node.value === 'boolean') {
    return { source: String(node.value), offset: 0, node };
  }
  if (!isScalarText(node)) {
    const message = `\`if\` must be an expression, found ${describeNode(node)}`;
    context.problems.error('wrong-type', node.place, message, 'write if: ${{ always() }}');
    return undefined;
  }
  if (!node.value.includes('${{')) return { source: node.value, offset: 0, node };
  const parts = reporting(node, context.problems, () => parseTemplate(node.value));
  const whole = parts && wholeExpression(parts);
  if (parts !== undefined && whole === undefined) {
    const message = '`if` must be a single expression without text around it';
    context.problems.error(
      'bad-expression',
      node.place,
      message,
      'put ${{ }} around the whole value, or omit it',
    );
  }
  return whole && { source: whole.source, offset: whole.offset, node };
}

function readSource(map: MapReader, context: ReadContext): SourceDocument {
  const foreach = map.entry('foreach');
  const matrix = map.entry('matrix');
  if (foreach) return readForeach(foreach, context);
  if (matrix === undefined) return { kind: 'single' };
  return takesCells(matrix) ? readMatrixFrom(matrix, context) : readMatrix(matrix, context);
}

function takesCells({ value }: Entry): boolean {
  return value.kind === 'map' && value.entries.some(({ key }) => key === 'from');
}

/** Reads a `matrix` beside a `foreach`. */
function readVariants(map: MapReader, context: ReadContext): StageDocument['variants'] {
  const matrix = map.entry('foreach') && map.entry('matrix');
  if (matrix === undefined) return undefined;
  if (takesCells(matrix)) {
    const message = '`foreach` cannot be combined with `matrix: { from: … }`: both name the items';
    context.problems.error('conflicting-keys', matrix.keyPlace, message, 'remove one of them');
    return undefined;
  }
  const { axes, cells, place } = readMatrix(matrix, context);
  return { axes, ...(cells && { cells }), place };
}

function readMatrixFrom(entry: Entry, context: ReadContext): SourceDocument {
  const map = openMap(entry.value, '`matrix` with `from`', ['from'], context);
  const stage = map && named(map, 'from');
  const place = entry.keyPlace;
  return stage
    ? { kind: 'from', form: 'matrix', stage, as: 'matrix', place }
    : { kind: 'matrix', axes: [], place };
}

const SOURCES = ['glob', 'dir', 'csv', 'list', 'from'] as const;

function readForeach(entry: Entry, context: ReadContext): SourceDocument {
  const place = entry.keyPlace;
  const unreadable: SourceDocument = {
    kind: 'list',
    value: { kind: 'list', items: [], place },
    as: 'item',
    place,
    broken: true,
  };
  if (entry.value.kind !== 'map') {
    const message = `\`foreach\` must be a mapping that names the source of its items, found ${describeNode(entry.value)}`;
    const hint =
      'write foreach: { csv: "slides.csv", as: slide }, or glob, dir, list or from in place of csv';
    context.problems.error('wrong-type', entry.value.place, message, hint);
    return unreadable;
  }
  const map = openMap(entry.value, '`foreach`', [...SOURCES, 'as', 'key', 'exclude'], context);
  if (map === undefined) return unreadable;
  const as = readItemName(map, context);
  const given = SOURCES.filter((key) => map.entry(key) !== undefined);
  if (given.length !== 1) {
    const message = `\`foreach\` requires exactly one of ${SOURCES.join(', ')}; found ${given.join(' and ') || 'none'}`;
    const code = given.length === 0 ? 'missing-key' : 'conflicting-keys';
    context.problems.error(code, place, message);
    return { ...unreadable, as };
  }
  const keyField = named(map, 'key');
  const [kind] = given;
  const exclude = map.entry('exclude');
  if (kind !== 'from') {
    return {
      kind,
      value: map.entry(kind)?.value ?? entry.value,
      as,
      keyField,
      exclude: exclude?.value,
      place,
    };
  }
  if (exclude !== undefined) {
    const message = '`exclude` cannot be combined with `from`';
    const hint = 'exclude the items in the stage that lists them: later stages leave them out too';
    context.problems.error('conflicting-keys', exclude.keyPlace, message, hint);
  }
  if (keyField !== undefined) {
    const message = '`key` cannot be combined with `from`: the items keep their keys';
    context.problems.error('conflicting-keys', keyField.place, message, 'remove `key`');
  }
  const stage = named(map, 'from');
  return stage ? { kind, form: 'foreach', stage, as, place } : unreadable;
}

function readItemName(map: MapReader, context: ReadContext): string {
  const as = map.text('as');
  if (as === undefined) return 'item';
  const place = valuePlace(map, 'as');
  const fault = nameFault(as);
  if (fault !== undefined) {
    context.problems.error('bad-name', place, `\`${as}\` is not a valid item name: ${fault}`);
  } else if (RESERVED_NAMES.includes(as)) {
    const message = `\`${as}\` already has a meaning in expressions`;
    context.problems.error(
      'reserved-name',
      place,
      message,
      suggest('', ['slide', 'item'], 'choose a name such as'),
    );
  }
  return as;
}

function named(map: MapReader, key: string): Named | undefined {
  const name = map.text(key);
  return name === undefined ? undefined : { name, place: valuePlace(map, key) };
}
