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
import type { ItemSource, MatrixCell, Plan, RetryPlan, StagePlan, StepPlan } from './plan/plan.js';
import { orderStages } from './check/stage-order.js';
import { cellStage, stageCells } from './read/stage-cells.js';
import { resolveCells, resolveCellsOfCondition, type CellReferences } from './cell-references.js';
import { toJson, type Entry, type YamlNode } from './read/yaml-nodes.js';

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
    stages: planStages(document, settings.catalog),
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

/** A stage with items in each cell becomes one stage per cell. */
function planStages(document: PipelineDocument, catalog: Catalog): StagePlan[] {
  const stages = new Map(document.stages.map((stage) => [stage.name, stage]));
  const cells = new Map<string, readonly MatrixCell[]>();
  const axes = new Map<string, readonly string[]>();
  for (const stage of document.stages) {
    const found = stageCells(stage, stages);
    if (!found?.cells) continue;
    cells.set(stage.name, found.cells);
    axes.set(stage.name, found.axes);
  }
  return orderStages(document.stages).flatMap((stage) => {
    const own = cells.get(stage.name);
    if (own === undefined) return [planStage({ stage, cells, axes }, document, catalog)];
    return own.map((cell) => planStage({ stage, cell, cells, axes }, document, catalog));
  });
}

/** A stage of the file, and the cell of it that becomes a stage of the plan. */
interface PlannedStage {
  stage: StageDocument;
  cell?: MatrixCell;
  /** The cells of all stages that have items in each. */
  cells: ReadonlyMap<string, readonly MatrixCell[]>;
  /** Their axes. */
  axes: ReadonlyMap<string, readonly string[]>;
}

/** Values that are filled in, and the references to stages that are resolved. */
interface Known {
  values: JsonObject;
  references: CellReferences;
}

/** The cell that a cell takes its items from: the one with the same values. */
function cellBefore({ stage, cell, cells }: PlannedStage): CellReferences['from'] {
  if (stage.source.kind !== 'from' || cell === undefined) return undefined;
  const { name } = stage.source.stage;
  const same = cells.get(name)?.find(({ values }) => {
    return Object.entries(values).every(([axis, value]) => cell.values[axis] === value);
  });
  return same && { stage: name, cell: cellStage(name, same.key) };
}

function planNeeds({ stage, cells }: PlannedStage, from: CellReferences['from']): string[] {
  const names = stage.needs.flatMap(({ name }) => {
    if (name === from?.stage) return [from.cell];
    return cells.get(name)?.map(({ key }) => cellStage(name, key)) ?? [name];
  });
  return [...new Set(names)];
}

function planStage(planned: PlannedStage, document: PipelineDocument, catalog: Catalog): StagePlan {
  const { stage, cell, axes } = planned;
  const from = cellBefore(planned);
  const known: Known = {
    values: { params: document.known.values, ...(cell && { matrix: cell.values }) },
    references: { axes, ...(from && { from }) },
  };
  const settings = { ...document.defaults, ...stage.settings };
  const condition = planCondition(stage.condition, known);
  const plan: StagePlan = {
    name: cell ? cellStage(stage.name, cell.key) : stage.name,
    ...(cell && { of: stage.name }),
    needs: planNeeds(planned, from),
    source: planSource(stage.source, known),
    maxParallel: settings.maxParallel ?? DEFAULT_MAX_PARALLEL,
    failFast: settings.failFast ?? false,
    minSuccess: settings.minSuccess ?? 1,
    steps: stage.steps.map((step) =>
      planStep(step, [document.defaults, stage.settings, step.settings], known, catalog),
    ),
  };
  if (condition !== undefined) plan.if = condition;
  if (stage.outputs) plan.outputs = planEntries(stage.outputs, known);
  return plan;
}

function planCondition(condition: Condition | undefined, { values, references }: Known): string | undefined {
  return condition && foldCondition(resolveCellsOfCondition(condition.source, references), values);
}

function planValue(node: YamlNode, { values, references }: Known): Json {
  return foldTemplate(resolveCells(toJson(node), references), values);
}

function planEntries(entries: readonly Entry[], known: Known): JsonObject {
  return Object.fromEntries(entries.map(({ key, value }) => [key, planValue(value, known)]));
}

function planSource(source: SourceDocument, known: Known): ItemSource {
  switch (source.kind) {
    case 'single':
      return { kind: 'single' };
    case 'matrix':
      return { kind: 'matrix', cells: source.cells ?? [] };
    case 'from':
      return { kind: 'from', stage: known.references.from?.cell ?? source.stage.name, as: source.as };
    default: {
      const value = planValue(source.value, known);
      const key = source.keyField && { keyField: source.keyField.name };
      const exclude = source.exclude && planValue(source.exclude, known);
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
function planStep(step: StepDocument, layers: readonly Settings[], known: Known, catalog: Catalog): StepPlan {
  const entry = lookUp(catalog, step.uses.name) as CatalogEntry;
  const settings = Object.assign({}, ...layers) as Settings;
  const retry = Object.assign({}, RETRY_DEFAULTS, ...layers.map((layer) => layer.retry)) as RetryPlan;
  const condition = planCondition(step.condition, known);
  return {
    id: step.id,
    uses: step.uses.name,
    version: entry.version,
    ...(condition === undefined ? {} : { if: condition }),
    with: withoutNull(planEntries(step.with, known)),
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
