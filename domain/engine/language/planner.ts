import { resolve } from 'node:path';
import type { Json, JsonObject } from '../../json.js';
import { lookUp, type Catalog, type CatalogEntry } from '../../activity-schema.js';
import type {
  Condition,
  PipelineDocument,
  Settings,
  SourceDocument,
  StageDocument,
  StepDocument,
} from './read/document.js';
import { foldCondition, foldTemplate } from './expressions/analysis.js';
import type { ItemSource, Plan, RetryPlan, StagePlan, StepPlan } from './plan/plan.js';
import { orderStages } from './check/stage-order.js';
import { toJson, type Entry } from './read/yaml-nodes.js';

export interface PlanSettings {
  catalog: Catalog;
  source: Plan['source'];
  /** Absolute folder of the pipeline file. */
  base: string;
  /** Absolute folder the command runs in. */
  cwd: string;
  /** `--work`, relative to `cwd`. Overrides the pipeline's own `work`. */
  work?: string;
  /** {@link Plan.plugins}. */
  plugins?: readonly string[];
}

/** Retry settings of a step that are not set by the step, its stage or `defaults`. */
export const RETRY_DEFAULTS: RetryPlan = {
  maxAttempts: 3,
  initialInterval: '5s',
  backoffCoefficient: 2,
  maximumInterval: '5m',
  nonRetryable: [],
};

/** Default for the number of items of a stage that run at the same time. */
export const DEFAULT_MAX_PARALLEL = 16;

/**
 * Builds the plan that the workflows interpret. The document must have no errors; {@link loadPipeline}
 * ensures this.
 */
export function planPipeline(document: PipelineDocument, settings: PlanSettings): Plan {
  return {
    plan: 1,
    name: document.name,
    description: document.description,
    source: settings.source,
    base: settings.base,
    work: workFolder(document, settings),
    params: document.known.values,
    ...(settings.plugins?.length ? { plugins: [...settings.plugins] } : {}),
    onFailure: document.onFailure,
    stages: orderStages(document.stages).map((stage) => planStage(stage, document, settings.catalog)),
  };
}

/**
 * `--work` is relative to the current folder, `work:` to the pipeline file. The default is `work/<name>` in
 * the current folder.
 */
function workFolder(document: PipelineDocument, { base, cwd, work }: PlanSettings): string {
  if (work !== undefined) return resolve(cwd, work);
  return document.work === undefined ? resolve(cwd, 'work', document.name) : resolve(base, document.work);
}

function planStage(stage: StageDocument, document: PipelineDocument, catalog: Catalog): StagePlan {
  const params = document.known.values;
  const settings = { ...document.defaults, ...stage.settings };
  const condition = planCondition(stage.condition, params);
  const plan: StagePlan = {
    name: stage.name,
    needs: [...new Set(stage.needs.map(({ name }) => name))],
    source: planSource(stage.source, params),
    maxParallel: settings.maxParallel ?? DEFAULT_MAX_PARALLEL,
    failFast: settings.failFast ?? false,
    minSuccess: settings.minSuccess ?? 1,
    steps: stage.steps.map((step) =>
      planStep(step, [document.defaults, stage.settings, step.settings], params, catalog),
    ),
  };
  if (condition !== undefined) plan.if = condition;
  if (stage.outputs) plan.outputs = planEntries(stage.outputs, params);
  return plan;
}

function planCondition(condition: Condition | undefined, params: JsonObject): string | undefined {
  return condition && foldCondition(condition.source, { params });
}

function planEntries(entries: readonly Entry[], params: JsonObject): JsonObject {
  return Object.fromEntries(entries.map(({ key, value }) => [key, foldTemplate(toJson(value), { params })]));
}

function planSource(source: SourceDocument, params: JsonObject): ItemSource {
  switch (source.kind) {
    case 'single':
      return { kind: 'single' };
    case 'matrix':
      return { kind: 'matrix', cells: source.cells ?? [] };
    case 'from':
      return { kind: 'from', stage: source.stage.name, as: source.as };
    default: {
      const value = foldTemplate(toJson(source.value), { params });
      const key = source.keyField && { keyField: source.keyField.name };
      const exclude = source.exclude && foldTemplate(toJson(source.exclude), { params });
      const rest = {
        as: source.as,
        ...key,
        ...(typeof exclude === 'string' && exclude !== '' && { exclude }),
      };
      return source.kind === 'list'
        ? { kind: 'list', value, ...rest }
        : { kind: source.kind, value: value as string, ...rest };
    }
  }
}

/** @param layers settings in order of increasing precedence */
function planStep(
  step: StepDocument,
  layers: readonly Settings[],
  params: JsonObject,
  catalog: Catalog,
): StepPlan {
  const entry = lookUp(catalog, step.uses.name) as CatalogEntry;
  const settings = Object.assign({}, ...layers) as Settings;
  const retry = Object.assign({}, RETRY_DEFAULTS, ...layers.map((layer) => layer.retry)) as RetryPlan;
  const condition = planCondition(step.condition, params);
  return {
    id: step.id,
    uses: step.uses.name,
    version: entry.version,
    ...(condition === undefined ? {} : { if: condition }),
    with: withoutNull(planEntries(step.with, params)),
    queue: settings.queue ?? entry.queue,
    timeout: settings.timeout ?? entry.timeout,
    heartbeat: settings.heartbeat ?? entry.heartbeat,
    stall: settings.stall ?? entry.stall ?? 'off',
    retry,
  };
}

/** A parameter set to null counts as not given. */
function withoutNull(values: Record<string, Json>): JsonObject {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}
