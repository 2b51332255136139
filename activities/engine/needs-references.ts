import { references, type Reference } from '../../domain/engine/language/expressions/analysis.js';
import { parseExpression } from '../../domain/engine/language/expressions/syntax.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { StagePlan } from '../../domain/engine/language/plan/plan.js';
import { mapTexts, parseTemplate } from '../../domain/engine/language/expressions/template.js';

/**
 * Returns every reference to `needs` in a stage's expressions, as the path after `needs`: `['train', 'cells',
 * 'sam-mil-0-0', 'checkpoint']`.
 */
export function needsReferences(stage: StagePlan): (string | number)[][] {
  return stageReferences(stage)
    .filter(({ root }) => root === 'needs')
    .map(({ path }) => path);
}

/**
 * Returns the fields of an item that the expressions of the stages read; `all` if one reads the whole item or
 * computes a name. Only these fields are sent through Temporal, whose history stores them unencrypted.
 */
export function usedFields(stages: readonly StagePlan[]): ReadonlySet<string> | 'all' {
  const used = new Set<string>();
  for (const stage of stages) {
    const root = itemRoot(stage);
    for (const reference of stageReferences(stage)) {
      if (reference.root !== root) continue;
      const [field] = reference.path;
      if (field === undefined) return 'all';
      used.add(String(field));
    }
  }
  return used;
}

/**
 * Returns the first expression that reads a field which the item does not have: its step would fail, perhaps
 * after the earlier steps have worked for hours. Steps with an `if` may not run at all.
 */
export function missingField(
  stage: StagePlan,
  fields: JsonObject,
): { step: string; reference: string } | undefined {
  const root = itemRoot(stage);
  for (const { id, if: condition, with: parameters } of stage.steps) {
    if (condition !== undefined) continue;
    const missing = inTemplate(parameters).find(
      ({ root: own, path: [field], optional }) =>
        own === root &&
        !optional &&
        typeof field === 'string' &&
        field !== 'key' &&
        !Object.hasOwn(fields, field),
    );
    if (missing !== undefined) return { step: id, reference: [missing.root, missing.path[0]].join('.') };
  }
  return undefined;
}

/** Name of the item in the stage's expressions. */
function itemRoot({ source }: StagePlan): string | undefined {
  if (source.kind === 'single') return undefined;
  return source.kind === 'matrix' ? 'matrix' : source.as;
}

function stageReferences(stage: StagePlan): Reference[] {
  const found: Reference[] = [];
  const condition = (source: string | undefined) => {
    if (source !== undefined) found.push(...references(parseExpression(source)));
  };
  const template = (value: Json) => void found.push(...inTemplate(value));
  condition(stage.if);
  for (const step of stage.steps) {
    condition(step.if);
    template(step.with);
  }
  if (stage.outputs) template(stage.outputs);
  if ('value' in stage.source) template([stage.source.value, stage.source.exclude ?? null]);
  return found;
}

function inTemplate(value: Json): Reference[] {
  const found: Reference[] = [];
  mapTexts(value, (text) => (found.push(...inText(text)), text));
  return found;
}

function inText(text: string): Reference[] {
  if (!text.includes('${{')) return [];
  return parseTemplate(text).flatMap((part) =>
    part.type === 'expression' ? references(parseExpression(part.source)) : [],
  );
}

/**
 * Returns the stage whose items this one can take as they end: its source, if it reads only
 * `needs.<stage>.outputs` of it and no condition waits for its end.
 */
export function followedStage(stage: StagePlan): string | undefined {
  if (stage.source.kind !== 'from' || stage.if !== undefined) return undefined;
  const from = stage.source.stage;
  const alone = needsReferences(stage).every(([name, member]) => {
    return name !== undefined && (name !== from || member === 'outputs');
  });
  return alone ? from : undefined;
}
