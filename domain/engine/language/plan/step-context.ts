import type { ItemsRef } from '../../../job.js';
import type { Json, JsonObject } from '../../../json.js';
import type { Context } from '../expressions/evaluate.js';
import type { StagePlan } from './plan.js';
import { evaluateTemplate } from '../expressions/template.js';

/**
 * What the expressions of a stage can read of a stage that it needs. Workflows import this file, so it uses
 * no Node built-ins.
 */
export interface NeedContext {
  /** `success`, `failure` or `skipped`. */
  result: string;
  /** `needs.X.items`; absent if the stage was skipped. */
  items?: ItemsRef;
  /**
   * `needs.X.outputs`: the outputs of a stage with one item. In a stage that takes its items from X, the
   * outputs of the item with the same key.
   */
  outputs?: JsonObject;
  /** `needs.X.cells[key]`: outputs by item key, only for the items that the stage refers to. */
  cells?: JsonObject;
}

export type NeedsContext = Record<string, NeedContext>;

/** The state of an item in the steps of a stage. */
export interface ItemContext {
  key: string;
  fields: JsonObject;
  /** If the stage takes its items from another stage: the outputs of the item there. */
  prior?: JsonObject;
  /** Outputs of the steps that have ended, by step id. */
  steps: Record<string, JsonObject>;
}

/** Builds the roots that the expressions of a step can read. */
export function buildContext(stage: StagePlan, needs: NeedsContext, item: ItemContext): Context {
  const steps = Object.entries(item.steps).map(([id, outputs]) => [id, { outputs }] as const);
  return {
    needs: alignNeeds(stage, needs, item) as unknown as Json,
    steps: Object.fromEntries(steps),
    ...itemRoot(stage, item),
  };
}

function alignNeeds(stage: StagePlan, needs: NeedsContext, item: ItemContext): NeedsContext {
  if (stage.source.kind !== 'from' || item.prior === undefined) return needs;
  const { stage: from } = stage.source;
  return { ...needs, [from]: { ...needs[from], outputs: item.prior } };
}

function itemRoot(stage: StagePlan, item: ItemContext): Context {
  const { source } = stage;
  if (source.kind === 'single') return {};
  if (source.kind === 'matrix') return { matrix: item.fields };
  return { [source.as]: { ...item.fields, key: item.key } };
}

/** Evaluates an item's outputs: the declared outputs of the stage, or the outputs of its last step. */
export function evaluateOutputs(stage: StagePlan, needs: NeedsContext, item: ItemContext): JsonObject {
  if (stage.outputs) return evaluateTemplate(stage.outputs, buildContext(stage, needs, item)) as JsonObject;
  const last = stage.steps[stage.steps.length - 1];
  return item.steps[last.id] ?? {};
}

/** Adds the cells that were looked up to the needs. */
export function withCells(needs: NeedsContext, cells: Record<string, JsonObject>): NeedsContext {
  const entries = Object.entries(needs).map(([name, need]) => {
    return [name, cells[name] === undefined ? need : { ...need, cells: cells[name] }] as const;
  });
  return Object.fromEntries(entries);
}
