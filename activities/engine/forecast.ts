import type { ItemRecord } from '../../domain/job.js';
import { evaluateCondition, ALL_SUCCEEDED } from '../../domain/engine/language/expressions/evaluate.js';
import { doneItem, itemRecord, skippedItem } from '../../domain/engine/item/item-result.js';
import type { Json } from '../../domain/json.js';
import type { Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';
import { withCells, type NeedsContext } from '../../domain/engine/language/plan/step-context.js';
import type { EngineContext } from '../step/engine-context.js';
import { forecastItems } from '../../domain/engine/store/items-digest.js';
import type { Place } from '../../domain/engine/store/paths.js';
import { checkItem, NEVER_RUN, type ItemCheck } from './check-item.js';
import { readLastFailures, type LastFailure } from './last-failures.js';
import { missingField } from './needs-references.js';
import { readCells, followLine, listLines } from './list-items.js';
import type { ManifestLine } from './stage-messages.js';

/** What a run of the plan would do with a stage, and why. */
export interface StageForecast {
  stage: string;
  /**
   * `up-to-date`: no item needs work. `runs`: at least one item does. `fails`: at least one would fail before
   * any work, or the items cannot be listed. `depends`: unknown until the stages it needs have run.
   * `skipped`: its `if` is false.
   */
  state: ForecastState;
  /** For `depends`: what it depends on. Otherwise: why its items cannot be listed. */
  why?: string;
  /** Sorted by key; empty if not known yet. */
  items: ItemForecast[];
}

export type ForecastState = 'up-to-date' | 'runs' | 'fails' | 'depends' | 'skipped';

export interface ItemForecast {
  key: string;
  /** `fails`: the first step that would run has an error in an expression or parameter. */
  state: ForecastState;
  /** It is up to date because the `if` of every step excludes it. */
  idle?: true;
  /** The first step that would run. */
  step?: string;
  /**
   * The first thing that differs, or the error: `with patch-size: 512 -> 256`, `output patches/a.h5 is
   * missing`, `input slide (a.svs) has different content`.
   */
  why?: string;
}

export interface ForecastOptions {
  force?: readonly string[];
  /** Keys of the requested items, by stage. Default: all. */
  items?: Readonly<Record<string, readonly string[]>>;
}

/** What is known about a stage, for the stages after it. */
interface Known {
  forecast: StageForecast;
  /** Set if all items are up to date. */
  records?: ItemRecord[];
  /** The items that are up to date, even if others are not. */
  current: Map<string, ItemRecord>;
}

/**
 * Yields what a run of `plan` would do, stage by stage: which items are up to date, which need work, and the
 * first difference of each. Executes nothing and writes only cached digests, into an existing work folder.
 * Reads inputs whose digest is unknown, so the first call on many slides takes a while.
 */
export async function* forecast(
  engine: EngineContext,
  plan: Plan,
  options: ForecastOptions = {},
): AsyncGenerator<StageForecast> {
  const known = new Map<string, Known>();
  let failures: Promise<LastFailure> | undefined;
  const lastFailure = async (place: Place) => (await (failures ??= readLastFailures(plan.work)))(place);
  for (const stage of plan.stages) {
    const found = await forecastStage({ engine, plan, stage, options, lastFailure }, known).catch(
      (error: unknown) => {
        return unlisted(stage, 'fails', error instanceof Error ? error.message : String(error));
      },
    );
    known.set(stage.name, found);
    yield found.forecast;
  }
}

async function forecastStage(parts: StageParts, known: Map<string, Known>): Promise<Known> {
  const { plan, stage, options } = parts;
  const from = stage.source.kind === 'from' ? stage.source.stage : undefined;
  const unsettled = stage.needs.filter((need) => known.get(need)?.records === undefined && need !== from);
  if (unsettled.length > 0) return unlisted(stage, 'depends', `depends on ${unsettled.join(', ')}`);
  const needs = await forecastNeeds(stage, known, plan.work);
  if (!evaluateCondition(stage.if, { needs: needs as unknown as Json }, ALL_SUCCEEDED)) {
    return unlisted(stage, 'skipped', 'its `if` is false');
  }
  const before = from === undefined ? undefined : known.get(from);
  // Without its items, nothing is known about those that follow.
  if (from !== undefined && (before?.forecast.items.length ?? 0) === 0)
    return unlisted(stage, 'depends', `depends on ${from}`);
  const lines = before ? followLines(before) : await listLines(plan, stage, needs, plan.work);
  const requested = options.items?.[stage.name];
  const chosen = requested ? lines.filter(({ key }) => requested.includes(key)) : lines;
  const current = new Map<string, ItemRecord>();
  const items: ItemForecast[] = [];
  for (const line of chosen) {
    items.push(await forecastItem({ ...parts, needs, before }, line, current));
  }
  const state = worst(items);
  const records = state === 'up-to-date' ? [...current.values()] : undefined;
  return { forecast: { stage: stage.name, state, items }, records, current };
}

interface StageParts {
  engine: EngineContext;
  plan: Plan;
  stage: StagePlan;
  options: ForecastOptions;
  lastFailure: (place: Place) => Promise<string | undefined>;
}

interface StageCheck extends StageParts {
  needs: NeedsContext;
  before?: Known;
}

/** A forecast has no run: it calls no activity. */
const NO_RUN = { run: '', plan: { path: '', digest: '' }, lease: { folder: '', id: '' } };

async function forecastItem(
  { engine, plan, stage, needs, options, lastFailure, before }: StageCheck,
  { key, fields, prior, skip }: ManifestLine,
  current: Map<string, ItemRecord>,
): Promise<ItemForecast> {
  const item = { index: 0, key };
  if (skip !== undefined) {
    current.set(key, itemRecord(skippedItem(item, skip), fields));
    return { key, state: 'skipped', why: skip };
  }
  if (before && !before.current.has(key)) {
    return { key, state: 'depends', why: `depends on ${before.forecast.stage}` };
  }
  const scope = { ...NO_RUN, work: plan.work, base: plan.base, force: options.force ?? [] };
  const check: ItemCheck = { engine, plan, scope, needs, inputs: 'read' };
  const found = await checkItem(check, stage, { key, fields, prior });
  if (found.state === 'todo') {
    const { step, fails, why } = found;
    const missing = fails ? undefined : missingField(stage, fields);
    if (missing !== undefined) {
      const has = Object.keys(fields).join(', ') || 'none';
      const text = `\`${missing.reference}\` does not exist; the fields of the item are: ${has}`;
      return { key, state: 'fails', step: missing.step, why: text };
    }
    const failed = why === NEVER_RUN ? await lastFailure({ stage: stage.name, item: key, step }) : undefined;
    return { key, state: fails ? 'fails' : 'runs', step, why: failed ?? why };
  }
  current.set(key, itemRecord(doneItem(item, found, true), fields));
  return { key, state: 'up-to-date', ...(found.idle && { idle: found.idle }) };
}

/**
 * Returns the lines of a stage that takes its items from another stage, even if that one would run for some
 * of them.
 */
function followLines(before: Known): ManifestLine[] {
  return before.forecast.items.map(({ key }) => {
    const record = before.current.get(key);
    return record ? followLine(record, before.forecast.stage) : { key, fields: {} };
  });
}

async function forecastNeeds(
  stage: StagePlan,
  known: Map<string, Known>,
  work: string,
): Promise<NeedsContext> {
  const needs: NeedsContext = {};
  for (const name of stage.needs) {
    const records = known.get(name)?.records;
    if (!records) continue;
    const only = records.length === 1 && records[0].key === name ? records[0].outputs : undefined;
    needs[name] = { result: 'success', items: forecastItems(name, records), outputs: only };
  }
  return withCells(needs, await readCells([stage], needs, work));
}

function worst(items: ItemForecast[]): StageForecast['state'] {
  const states = items.map(({ state }) => state);
  return (['fails', 'runs', 'depends'] as const).find((state) => states.includes(state)) ?? 'up-to-date';
}

function unlisted(stage: StagePlan, state: StageForecast['state'], why: string): Known {
  return { forecast: { stage: stage.name, state, why, items: [] }, current: new Map() };
}
