import { isAbsolute, resolve } from 'node:path';
import type { ListedItem, ProducingStep, StepToCheck } from '../define/check-step.js';
import type { ActivityDefinition } from '../define/define-activity.js';
import { namedFiles } from '../../domain/engine/language/check/check-files.js';
import { listForms } from '../../domain/engine/language/check/schema-faults.js';
import {
  foldCondition,
  foldTemplate,
  wholeReference,
} from '../../domain/engine/language/expressions/analysis.js';
import { isTruthy } from '../../domain/engine/language/expressions/evaluate.js';
import { parseExpression } from '../../domain/engine/language/expressions/syntax.js';
import {
  evaluateTemplate,
  mapTexts,
  parseTemplate,
  wholeExpression,
} from '../../domain/engine/language/expressions/template.js';
import type { StagePlan, StepPlan } from '../../domain/engine/language/plan/plan.js';
import { buildContext } from '../../domain/engine/language/plan/step-context.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { ManifestLine } from './stage-messages.js';

/** The parameters of a step for one item, as far as they are known before the run. */
export interface KnownStep extends StepToCheck {
  /** The values as they are written in `with`, without defaults. */
  given: JsonObject;
  /** Parameters whose values depend on the item: the check of the file has not seen them. */
  varying: ReadonlySet<string>;
}

/** Whether a value contains expressions that are still open. */
export function isOpen(value: Json): boolean {
  let open = false;
  mapTexts(value, (text) => {
    open ||= text.includes('${{') && parseTemplate(text).some(({ type }) => type === 'expression');
    return text;
  });
  return open;
}

/** The roots that the expressions of an item can read before the run: the item itself, or the matrix cell. */
export function knownRoots(stage: StagePlan, { key, fields }: ManifestLine): JsonObject {
  const roots = Object.entries(buildContext(stage, {}, { key, fields, steps: {} }));
  return Object.fromEntries(roots.filter(([root]) => root !== 'needs' && root !== 'steps'));
}

/**
 * The value of a condition; undefined if it depends on results.
 * @throws ExpressionError
 */
export function knownCondition(source: string | undefined, known: JsonObject): boolean | undefined {
  if (source === undefined) return true;
  const tree = parseExpression(foldCondition(source, known));
  return tree.type === 'literal' ? isTruthy(tree.value) : undefined;
}

/** What is known of the rest of the pipeline. */
export interface KnownRest {
  /** Folder that relative paths start at. */
  base: string;
  /** Returns the items of a stage, if they are known. */
  itemsOf: (stage: string) => readonly ListedItem[] | undefined;
  /** The earlier steps of the item, by their ids. */
  earlier: ReadonlyMap<string, ProducingStep>;
}

/**
 * Evaluates `with` of a step as far as the item determines it.
 * @throws ExpressionError for a field that the item does not have
 */
export function knownStep(
  definition: ActivityDefinition,
  { with: written }: StepPlan,
  known: JsonObject,
  { base, itemsOf, earlier }: KnownRest,
): KnownStep {
  const given: JsonObject = {};
  const unknown = new Set<string>();
  const varying = new Set(Object.keys(written).filter((name) => isOpen(written[name])));
  const items: Record<string, readonly ListedItem[]> = {};
  const producers: Record<string, ProducingStep> = {};
  for (const [name, value] of Object.entries(written)) {
    const folded = foldTemplate(value, known);
    if (!isOpen(folded)) {
      const settled = evaluateTemplate(folded, {});
      if (settled !== null && !isAbsent(definition, name, settled)) given[name] = settled;
      continue;
    }
    unknown.add(name);
    const stage = stageOfItems(folded);
    const listed = stage === undefined ? undefined : itemsOf(stage);
    if (listed !== undefined) items[name] = listed;
    const producer = earlier.get(stepOfOutput(folded) ?? '');
    if (producer !== undefined) producers[name] = producer;
  }
  const defaults = Object.entries(definition.with).flatMap(([name, schema]) =>
    schema.default === undefined || unknown.has(name) ? [] : [[name, schema.default as Json] as const],
  );
  const complete = { ...Object.fromEntries(defaults), ...structuredClone(given) };
  return { given, varying, with: withAbsoluteFiles(definition, complete, base), unknown, items, producers };
}

/** As for a step that runs: an optional input or number may come as an empty CSV field. */
function isAbsent(definition: ActivityDefinition, name: string, value: Json): boolean {
  const schema = definition.with[name];
  if (value !== '' || schema === undefined || definition.required.includes(name)) return false;
  return listForms(schema).some(
    (form) => form['x-input'] !== undefined || form.type === 'number' || form.type === 'integer',
  );
}

function referenceIn(value: Json): ReturnType<typeof wholeReference> {
  const whole = typeof value === 'string' ? wholeExpression(parseTemplate(value)) : undefined;
  return whole && wholeReference(parseExpression(whole.source));
}

/** The step in `${{ steps.STEP.outputs.NAME }}`. */
function stepOfOutput(value: Json): string | undefined {
  const reference = referenceIn(value);
  const [step, outputs] = reference?.root === 'steps' ? reference.path : [];
  return outputs === 'outputs' ? String(step) : undefined;
}

/** The stage in `${{ needs.STAGE.items }}`. */
function stageOfItems(value: Json): string | undefined {
  const reference = referenceIn(value);
  if (reference?.root !== 'needs' || reference.path.length !== 2 || reference.path[1] !== 'items')
    return undefined;
  return String(reference.path[0]);
}

function withAbsoluteFiles(definition: ActivityDefinition, values: JsonObject, base: string): JsonObject {
  const entries = Object.entries(values).map(([name, value]) => {
    const schema = definition.with[name];
    const files = schema === undefined ? [] : namedFiles(schema, value).map(({ file }) => file);
    if (files.length === 0) return [name, value] as const;
    const absolute = (text: string) =>
      files.includes(text) && !isAbsolute(text) ? resolve(base, text) : text;
    return [name, mapTexts(value, absolute)] as const;
  });
  return Object.fromEntries(entries);
}
