import type { Json } from '../../../json.js';
import { suggest } from '../expressions/did-you-mean.js';
import { openMap, type MapReader, type ReadContext } from './map-reader.js';
import { nameFault } from './names.js';
import { expressionsIn, foldNode, placeOf } from './node-expressions.js';
import {
  ITEM_TYPES,
  PARAM_TYPES,
  parseText,
  settled,
  valueFault,
  type KnownParams,
  type ParamDeclaration,
  type ParamType,
} from './param-types.js';
import { ProblemList, type Place } from '../problems/problems.js';
import { readYaml } from './read-yaml.js';
import type { Entry } from './yaml-nodes.js';

/** Sources of values besides the defaults. `set` overrides `overlay`. */
export interface ParamSources {
  /** Folder of the pipeline file. Default paths are relative to it. */
  base: string;
  /** Folder to which paths in `set` are relative. */
  cwd: string;
  /** `--set name=value`, in order; the last one wins. */
  set: readonly (readonly [name: string, value: string])[];
  /** A params file: a YAML mapping of names to values. Its paths are relative to its own folder. */
  overlay?: { text: string; file: string; folder: string };
}

export const NO_PARAMS: KnownParams = { values: {}, unset: new Set(), used: new Set() };

/**
 * Reads the declarations and values of `params:`. Reports all problems, including those of the given values.
 */
export function readParams(
  entry: Entry | undefined,
  sources: ParamSources,
  problems: ProblemList,
): { declarations: ParamDeclaration[]; known: KnownParams } {
  const context = { problems, known: { ...NO_PARAMS, used: new Set<string>() } };
  const map = entry && openMap(entry.value, '`params`', ['*'], context);
  const declarations = (map?.node.entries ?? []).flatMap((param) => declaration(param, context) ?? []);
  const at = entry?.keyPlace ?? { line: 1, column: 1, length: 1 };
  const values = new Map<string, Json>();
  for (const param of declarations) {
    if (param.default !== undefined) values.set(param.name, settled(param, param.default, sources.base));
  }
  applyOverlay(declarations, sources, values, problems);
  applySet(declarations, sources, values, at, problems);
  const unset = new Set(declarations.map(({ name }) => name).filter((name) => !values.has(name)));
  return { declarations, known: { values: Object.fromEntries(values), unset, used: new Set() } };
}

const KEYS = ['type', 'default', 'enum', 'description', 'minimum', 'maximum', 'items'];

function declaration(entry: Entry, context: ReadContext): ParamDeclaration | undefined {
  const { key: name, keyPlace: place } = entry;
  const fault = nameFault(name);
  if (fault !== undefined) {
    context.problems.error('bad-name', place, `\`${name}\` is not a valid param name: ${fault}`);
    return undefined;
  }
  const what = `param \`${name}\``;
  const unusable: ParamDeclaration = { name, place, type: 'string', description: '', faulty: true };
  if (entry.value.kind === 'scalar' && entry.value.value !== null) {
    const hint = `write ${name}: { type: ${inferredType(entry.value.value)}, default: ${String(entry.value.value)} }`;
    context.problems.error('wrong-type', entry.value.place, `${what} must be a mapping with a type`, hint);
    return unusable;
  }
  const map = openMap(entry.value, what, KEYS, context);
  const hint = `types: ${PARAM_TYPES.join(', ')}`;
  const type = map?.required('type', place, hint) && map.choice('type', PARAM_TYPES);
  if (map === undefined || type === undefined) return unusable;
  const param: ParamDeclaration = { name, place, type, description: map.text('description') ?? '' };
  param.minimum = map.number('minimum', -Infinity, Infinity);
  param.maximum = map.number('maximum', -Infinity, Infinity);
  param.items = map.choice('items', ITEM_TYPES);
  param.choices = choices(map, param, context);
  const standard = map.entry('default')?.value;
  param.optional = standard?.kind === 'scalar' && standard.value === null && !standard.broken;
  param.default = defaultValue(map, param, context);
  param.faulty = map.entry('default') !== undefined && param.default === undefined;
  return param;
}

function inferredType(value: boolean | number | string): ParamType {
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'string') return 'string';
  return Number.isInteger(value) ? 'integer' : 'number';
}

function choices(map: MapReader, param: ParamDeclaration, context: ReadContext): Json[] | undefined {
  const entry = map.entry('enum');
  if (entry === undefined) {
    if (param.type === 'enum') map.required('enum', param.place, 'list the values: enum: [a, b]');
    return undefined;
  }
  const value = foldNode(entry.value, {}, context.problems);
  if (Array.isArray(value) && value.length > 0) return value;
  if (value !== undefined) {
    const message = `\`enum\` must be a list of at least one value, found ${JSON.stringify(value)}`;
    context.problems.error('wrong-type', entry.value.place, message);
  }
  return undefined;
}

function defaultValue(map: MapReader, param: ParamDeclaration, context: ReadContext): Json | undefined {
  const entry = map.entry('default');
  if (entry === undefined) return undefined;
  const expressions = expressionsIn(entry.value, context.problems);
  if (expressions.length > 0) {
    const place = placeOf(expressions[0], expressions[0].tree);
    const message = 'the default of a param cannot contain an expression';
    context.problems.error(
      'not-available',
      place,
      message,
      'write the value, or use the expression where the param is used',
    );
    return undefined;
  }
  const value = foldNode(entry.value, {}, context.problems);
  if (value === undefined) return undefined;
  const fault = valueFault(param, value);
  if (fault === undefined) return value;
  context.problems.error(
    fault.code,
    entry.value.place,
    `the default of \`${param.name}\` ${fault.what}`,
    fault.hint,
  );
  return undefined;
}

function applyOverlay(
  declarations: readonly ParamDeclaration[],
  { overlay }: ParamSources,
  values: Map<string, Json>,
  problems: ProblemList,
): void {
  if (overlay === undefined) return;
  const own = new ProblemList(overlay.file);
  const declared = new Set(declarations.map(({ name }) => name));
  const root = readYaml(overlay.text, own, (read) => {
    return read.kind === 'map' ? read.entries.filter(({ key }) => !declared.has(key)).length : 1;
  });
  const context = { problems: own, known: NO_PARAMS };
  const map = root && openMap(root, 'the params file', ['*'], context);
  for (const { key, keyPlace, value: node } of map?.node.entries ?? []) {
    const param = declarations.find(({ name }) => name === key);
    if (param === undefined) {
      own.error('unknown-param', keyPlace, `the pipeline has no param \`${key}\``, known(key, declarations));
      continue;
    }
    const value = foldNode(node, {}, own);
    const fault = value === undefined ? undefined : valueFault(param, value);
    if (fault) own.error(fault.code, node.place, `\`${key}\` ${fault.what}`, fault.hint);
    else if (value !== undefined) values.set(key, settled(param, value, overlay.folder));
  }
  problems.addAll(own.sorted());
}

function applySet(
  declarations: readonly ParamDeclaration[],
  { set, cwd }: ParamSources,
  values: Map<string, Json>,
  at: Place,
  problems: ProblemList,
): void {
  for (const [name, text] of set) {
    const param = declarations.find((declared) => declared.name === name);
    if (param === undefined) {
      const hint = known(name, declarations);
      problems.error(
        'unknown-param',
        at,
        `--set ${name}=${text}: the pipeline has no param \`${name}\``,
        hint,
      );
      continue;
    }
    const value = parseText(param, text);
    const fault = valueFault(param, value);
    if (fault)
      problems.error(fault.code, param.place, `--set ${name}=${text}: \`${name}\` ${fault.what}`, fault.hint);
    else values.set(name, settled(param, value, cwd));
  }
}

function known(name: string, declarations: readonly ParamDeclaration[]): string {
  return (
    suggest(
      name,
      declarations.map((param) => param.name),
      'params',
    ) ?? 'the pipeline declares no params'
  );
}
