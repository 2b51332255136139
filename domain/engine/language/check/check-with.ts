import { resolve } from 'node:path';
import { canonicalJson, type Json } from '../../../json.js';
import { references, wholeReference } from '../expressions/analysis.js';
import { lookUp, type CatalogEntry, type ValueSchema } from '../../../activity-schema.js';
import { listed, related } from '../expressions/did-you-mean.js';
import { describeValue } from '../read/describe.js';
import type { PipelineDocument, StageDocument, StepDocument } from '../read/document.js';
import { ANY_FILES, checkFile, namedFiles, type Files } from './check-files.js';
import { checkWire } from './check-wire.js';
import type { Expression } from '../expressions/syntax.js';
import { asksStatus } from '../expressions/evaluate.js';
import {
  expressionsIn,
  foldNode,
  readsUnset,
  type PlacedExpression,
  paramsIn,
} from '../read/node-expressions.js';
import type { MatrixCell } from '../plan/plan.js';
import { ProblemList, type Place } from '../problems/problems.js';
import { meantParameter } from './parameter-names.js';
import { listForms, schemaFaults } from './schema-faults.js';
import type { Position } from './reference-path.js';
import type { Scope } from './scope.js';
import type { PipelineTypes } from './value-types.js';
import type { Entry, YamlNode } from '../read/yaml-nodes.js';

export interface StepCheck {
  document: PipelineDocument;
  stage: StageDocument;
  step: StepDocument;
  position: Position;
  scope: Scope;
  types: PipelineTypes;
  files: Files;
  problems: ProblemList;
  /** The catalog entry of the step's activity. If absent, only expressions are checked. */
  entry?: CatalogEntry;
}

/** Checks a step's `with` against the parameters of its activity. */
export function checkWith(check: StepCheck): void {
  const { step, problems, entry } = check;
  const guessed = new Set<string>();
  for (const given of step.with) {
    const schema = entry && lookUp(entry.with, given.key);
    if (entry !== undefined && schema === undefined) {
      const meant = unknownParameter(check, given, entry);
      if (meant !== undefined) guessed.add(meant);
    }
    checkValue(check, given, schema);
  }
  for (const name of (!step.withBroken && entry?.required) || []) {
    const given = step.with.find(({ key }) => key === name);
    // Reported as a name that does not exist.
    if (given === undefined && guessed.has(name)) continue;
    if (given !== undefined && !isNull(given.value)) continue;
    const message = `\`${step.uses.name}\` requires the parameter \`${name}\``;
    const description = entry && lookUp(entry.with, name)?.description;
    const [first] = description?.split(/(?<=\.) |: /) ?? [];
    const hint = `add ${name}: …${first === undefined ? '' : ` (${first.replace(/\.$/, '')})`}`;
    problems.error('missing-with', given?.keyPlace ?? step.uses.place, message, hint);
  }
}

/** Reports a parameter that the activity does not have, and returns the one that is meant. */
function unknownParameter(
  { step, problems }: StepCheck,
  { key, keyPlace }: Entry,
  entry: CatalogEntry,
): string | undefined {
  const meant = meantParameter(key, entry.with);
  const names = Object.keys(entry.with);
  const hint =
    meant !== undefined
      ? `did you mean \`${meant}\`?`
      : names.length === 0
        ? 'the activity has no parameters'
        : `parameters: ${listed(names)}`;
  const message = `\`${step.uses.name}\` has no parameter \`${key}\``;
  problems.error('unknown-with', keyPlace, message, hint);
  return meant;
}

function isNull(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function checkValue(check: StepCheck, given: Entry, schema: ValueSchema | undefined): void {
  const { problems, scope, position } = check;
  const before = expressionsIn(given.value, problems, schema?.['x-placeholders']);
  let resolved = true;
  for (const expression of before) {
    const found = references(expression.tree).map((reference) =>
      scope.resolve(expression, reference, position),
    );
    if (found.includes(undefined)) resolved = false;
  }
  if (schema !== undefined && resolved) checkWires(check, given.key, given.value, schema);
  const unset = before.some((expression) => readsUnset(expression, check.document.known));
  if (!resolved || unset || isNull(given.value)) return;
  for (const { value, cell } of possibleValues(check, given.value, before)) {
    if (schema !== undefined) checkAgainst(check, given, schema, value, cell);
  }
}

/**
 * Checks every value that consists of one expression against the schema of that value. A value with text
 * around an expression is text.
 */
function checkWires(check: StepCheck, name: string, node: YamlNode, schema: ValueSchema): void {
  if (node.kind === 'list') {
    const { items } = formWith(schema, 'items');
    if (items) for (const item of node.items) checkWires(check, name, item, items);
    return;
  }
  if (node.kind === 'map') {
    for (const { key, value } of node.entries) {
      const inner = memberSchema(schema, key);
      if (inner) checkWires(check, `${name}.${key}`, value, inner);
    }
    return;
  }
  const silent = new ProblemList();
  for (const expression of expressionsIn(node, silent)) {
    if (!expression.whole) continue;
    for (const wire of possibleWires(expression.tree)) {
      const reference = wholeReference(wire);
      if (reference === undefined) continue;
      const type = check.scope.resolve(expression, reference, check.position);
      if (type !== undefined) checkWire({ ...check, name, expression, schema, type });
    }
  }
}

/** `default(wire, other)` and `choose(condition, wire, other)` can return either of two values. */
function possibleWires(tree: Expression): Expression[] {
  if (tree.type !== 'call') return [tree];
  if (tree.name === 'default') return tree.arguments.flatMap(possibleWires);
  return tree.name === 'choose' ? tree.arguments.slice(1).flatMap(possibleWires) : [];
}

/** Schema of a member of a mapping. */
function memberSchema(schema: ValueSchema, key: string): ValueSchema | undefined {
  const others = formWith(schema, 'additionalProperties').additionalProperties;
  return (
    lookUp(formWith(schema, 'properties').properties ?? {}, key) ??
    (typeof others === 'object' ? others : undefined)
  );
}

function formWith(schema: ValueSchema, key: 'items' | 'properties' | 'additionalProperties'): ValueSchema {
  return listForms(schema).find((form) => form[key] !== undefined) ?? {};
}

/** Placeholder for a part that only the run can compute. No value in a file equals it. */
const DYNAMIC = '\u0000computed by the run';
/** The same for a part that is known to be text. */
const DYNAMIC_TEXT = `${DYNAMIC}, text`;

interface PossibleValue {
  value: Json;
  cell?: MatrixCell;
}

/**
 * Returns the distinct values that a parameter can have, computed from params and matrix cells. Parts that
 * only the run can compute are {@link DYNAMIC}.
 */
function possibleValues(check: StepCheck, node: YamlNode, expressions: PlacedExpression[]): PossibleValue[] {
  const { document, problems, stage, types } = check;
  const params = { params: document.known.values };
  const usesMatrix = expressions.some(({ tree }) => references(tree).some(({ root }) => root === 'matrix'));
  const cells = usesMatrix ? matrixCells(stage, types) : undefined;
  if (cells === undefined) {
    const value = foldDynamic(node, params, problems);
    return value === undefined ? [] : [{ value }];
  }
  const seen = new Map<string, PossibleValue>();
  for (const cell of cells) {
    const value = foldDynamic(node, { ...params, matrix: cell.values }, problems);
    if (value !== undefined && !seen.has(canonicalJson(value)))
      seen.set(canonicalJson(value), { value, cell });
  }
  return [...seen.values()];
}

function matrixCells(stage: StageDocument, types: PipelineTypes): MatrixCell[] | undefined {
  const origin = types.origin(stage);
  return origin?.source.kind === 'matrix' ? origin.source.cells : undefined;
}

/** Fills in params and a matrix cell. Parts that only the run can compute become {@link DYNAMIC}. */
function foldDynamic(node: YamlNode, known: Record<string, Json>, problems: ProblemList): Json | undefined {
  if (node.kind === 'list') {
    const items = node.items.map((item) => foldDynamic(item, known, problems));
    return items.includes(undefined) ? undefined : (items as Json[]);
  }
  if (node.kind === 'map') {
    const members = node.entries.map(({ key, value }) => [key, foldDynamic(value, known, problems)] as const);
    if (members.some(([, value]) => value === undefined)) return undefined;
    return Object.fromEntries(members) as Json;
  }
  const folded = foldNode(node, known, problems);
  const remaining = expressionsIn(node, new ProblemList()).filter(({ tree }) => {
    return asksStatus(tree) || references(tree).some(({ root }) => !Object.hasOwn(known, root));
  });
  if (folded === undefined || remaining.length === 0) return folded;
  return remaining.some(({ whole }) => whole) ? DYNAMIC : DYNAMIC_TEXT;
}

function checkAgainst(
  check: StepCheck,
  given: Entry,
  schema: ValueSchema,
  value: Json,
  cell: MatrixCell | undefined,
): void {
  if (value === null || value === DYNAMIC || isEmptyInput(check, given.key, schema, value)) return;
  const where = cell === undefined ? '' : ` in cell \`${cell.key}\``;
  for (const fault of schemaFaults(schema, value)) {
    const part = valueAt(value, fault.path);
    if (part === DYNAMIC || (fault.code !== 'missing-key' && holdsDynamic(part))) continue;
    const name = [given.key, ...fault.path].join('.');
    const place = placeAt(given.value, fault.path);
    if (isDynamicText(part)) {
      // Text around an expression makes the value text, whatever the run computes.
      if (fault.code !== 'wrong-type' && fault.code !== 'wrong-kind') continue;
      const message = `\`${name}\` ${fault.what.replace(/, found .*/s, '')}, found text that contains an expression`;
      check.problems.error(
        fault.code,
        place,
        message,
        'write the expression without text around it: ${{ … }}',
      );
      continue;
    }
    const message = `\`${name}\` ${fault.what}${where}${origin(given)}`;
    check.problems.error(fault.code, place, message, fault.hint);
  }
  if (isMistyped(check, given, schema, value)) return;
  warnIfMissing(check, given, value);
  for (const { path, file } of namedFiles(schema, value)) {
    if (file.startsWith(DYNAMIC)) continue;
    const params = given.value.kind === 'scalar' ? paramsIn(given.value) : [];
    checkFile(file, placeAt(given.value, path), { ...check, params });
  }
}

/** Names the param that a value comes from: the mistake may be there. */
function origin({ value }: Entry): string {
  const [param, ...others] = value.kind === 'scalar' ? paramsIn(value) : [];
  return param === undefined || others.length > 0 ? '' : `; it comes from the param \`${param}\``;
}

/** An optional input that is empty text, such as an empty field of a CSV file, counts as not given. */
function isEmptyInput(check: StepCheck, name: string, schema: ValueSchema, value: Json): boolean {
  const required = check.entry?.required.includes(name) ?? false;
  return value === '' && !required && listForms(schema).some((form) => form['x-input'] !== undefined);
}

/**
 * Reports a value that is most likely a mistyped choice: a parameter that accepts choices or a file takes it
 * for a file name. Returns whether it did.
 */
function isMistyped(check: StepCheck, given: Entry, schema: ValueSchema, value: Json): boolean {
  const forms = listForms(schema);
  const choices = forms.flatMap((form) => form.enum ?? []).filter((choice) => typeof choice === 'string');
  const takesFile = forms.some((form) => form['x-input'] === 'file');
  if (!takesFile || choices.length === 0 || typeof value !== 'string' || value.startsWith(DYNAMIC))
    return false;
  if (choices.includes(value) || /[./\\]/.test(value)) return false;
  const { files } = check;
  const meant = related(value, choices);
  if (files === ANY_FILES ? meant === undefined : files.exists(resolve(files.base, value))) return false;
  const message = `\`${given.key}\` cannot be ${describeValue(value)}: it is neither a built-in name nor a file`;
  const hint =
    meant === undefined ? `allowed: ${listed(choices)}, or the path of a file` : `did you mean \`${meant}\`?`;
  check.problems.error('bad-value', given.value.place, message, hint);
  return true;
}

/** A missing resource is a warning, not an error: the machine that runs the step may have it. */
function warnIfMissing(check: StepCheck, given: Entry, value: Json): void {
  const { files, entry, problems, step } = check;
  if (files === ANY_FILES || typeof value !== 'string' || value.startsWith(DYNAMIC)) return;
  const names = new Set(step.with.filter((other) => !isNull(other.value)).map(({ key }) => key));
  const missing = entry?.findMissing?.(given.key, value, { base: files.base, given: names });
  if (missing?.wrong) problems.error('bad-value', given.value.place, missing.what, missing.next);
  else if (missing) problems.warning('missing-resource', given.value.place, missing.what, missing.next);
}

function isDynamicText(value: Json | undefined): boolean {
  return value === DYNAMIC_TEXT;
}

/** Whether a list or mapping has parts that only the run can compute. */
function holdsDynamic(value: Json | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((part) => part === DYNAMIC || part === DYNAMIC_TEXT || holdsDynamic(part));
}

function valueAt(value: Json, path: readonly string[]): Json | undefined {
  let at: Json | undefined = value;
  for (const key of path) {
    const holder: unknown = at;
    if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) return undefined;
    at = (holder as Record<string, Json>)[key];
  }
  return at;
}

function placeAt(node: YamlNode, path: readonly string[]): Place {
  let at = node;
  for (const key of path) {
    const next: YamlNode | undefined =
      at.kind === 'list'
        ? at.items[Number(key)]
        : at.kind === 'map'
          ? at.entries.find((entry) => entry.key === key)?.value
          : undefined;
    if (next === undefined) break;
    at = next;
  }
  return at.place;
}
