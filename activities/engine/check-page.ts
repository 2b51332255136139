import { revokeClaims } from '../../domain/engine/store/fence.js';
import type { EngineContext } from '../step/engine-context.js';
import { checkItem, type CheckedItem, type ItemCheck } from './check-item.js';
import { readManifest } from './manifest-file.js';
import { usedFields } from './needs-references.js';
import { readPlan, stageOf } from '../step/plan-file.js';
import { writeResults } from './results-file.js';
import type { CheckedPage, CheckPageInput, ManifestLine, TodoItem } from './stage-messages.js';
import {
  absenceReason,
  doneItem,
  skippedItem,
  type ItemResult,
} from '../../domain/engine/item/item-result.js';
import type { JsonObject } from '../../domain/json.js';
import { addItem, zeroCounts, type Counts } from '../../domain/engine/item/counts.js';
import type { Place } from '../../domain/engine/store/paths.js';
import type { Plan, StagePlan } from '../../domain/engine/language/plan/plan.js';

/** Number of items checked concurrently: file systems are slow, especially over a network. */
const TOGETHER = 16;
/** A page ends early rather than send more bytes than this through Temporal. */
const LARGEST_PAGE = 100 * 1024;

/** The outcome of checking an item: results of the stages that are settled for it, and the remaining work. */
interface ItemVerdict {
  /** By position in the chain. */
  settled: ItemResult[];
  todo?: TodoItem;
}

/**
 * Checks a page of items: up-to-date items are recorded as done without an activity for each; the others are
 * returned with what is done of them. An item continues into the next stage of the chain as far as that is up
 * to date too.
 */
export async function checkPage(engine: EngineContext, input: CheckPageInput): Promise<CheckedPage> {
  const plan = await readPlan(input.plan);
  const stages = input.stages.map((name) => stageOf(plan, name));
  const lines = await readManifest(input.work, input.manifest);
  const end = Math.min(lines.length, input.start + input.limit);
  const used = usedFields(stages);
  const verdicts: ItemVerdict[] = [];
  let bytes = 0;
  let next = input.start;
  while (next < end && bytes < LARGEST_PAGE) {
    const together = lines.slice(next, Math.min(end, next + TOGETHER));
    const found = await Promise.all(
      together.map((line, offset) => checkLine(engine, plan, stages, input, line, next + offset)),
    );
    for (const { todo } of found) if (todo) todo.fields = chosen(todo.fields, used);
    verdicts.push(...found);
    next += together.length;
    bytes += found.reduce((sum, { todo }) => sum + (todo ? JSON.stringify(todo).length : 0), 0);
  }
  for (const [position, { name }] of stages.entries()) {
    await writeResults(input, name, `page-${input.start}`, resultsAt(position, verdicts));
  }
  return {
    next,
    todo: verdicts.flatMap(({ todo }) => (todo ? [todo] : [])),
    settled: stages.map((_, position) => countsAt(position, verdicts)),
  };
}

/**
 * The fields that expressions use. If one of them does not exist, the names of the others are sent too,
 * without their values, for the error that suggests a name.
 */
function chosen(fields: JsonObject, used: ReadonlySet<string> | 'all'): JsonObject {
  if (used === 'all') return fields;
  const unknown = [...used].some((name) => name !== 'key' && !Object.hasOwn(fields, name));
  const entries = Object.entries(fields).filter(([name]) => unknown || used.has(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, used.has(name) ? value : null]));
}

async function checkLine(
  engine: EngineContext,
  plan: Plan,
  stages: StagePlan[],
  input: CheckPageInput,
  line: ManifestLine,
  index: number,
): Promise<ItemVerdict> {
  const { key, fields } = line;
  const item = { index, key };
  const { needs, work, lease } = input;
  const revoke = (place: Place) => revokeClaims(work, lease, place);
  const scope = { ...input, base: plan.base };
  const settled: ItemResult[] = [];
  let { prior, skip } = line;
  for (const [position, stage] of stages.entries()) {
    if (skip !== undefined) {
      settled.push(skippedItem(item, skip));
      continue;
    }
    const inputs = stage.reuse ? 'read' : 'known';
    const check: ItemCheck = { engine, plan, scope, needs, inputs, revoke };
    const found = await checkItem(check, stage, { key, fields, prior });
    if (found.state === 'todo' && !stage.reuse) {
      return { settled, todo: { index, key, fields, position, prior, steps: found.steps } };
    }
    const result =
      found.state === 'todo' ? { ...item, ...missingResult(found) } : doneItem(item, found, true);
    settled.push(result);
    if (result.status !== 'done') skip = absenceReason(stage.name, result);
    prior = result.outputs;
  }
  return { settled };
}

/** The result of an item in a stage that the selection excludes although its results are needed. */
function missingResult({ step, why }: CheckedItem & { state: 'todo' }): Omit<ItemResult, 'index' | 'key'> {
  const facts = { next: 'run without --only and --from, or with --until' };
  const error = { code: 'InvalidInput', what: `its results are missing (${why})`, facts };
  return { status: 'failed', error, step, outputs: {}, steps: [], cached: false };
}

function resultsAt(position: number, verdicts: ItemVerdict[]): ItemResult[] {
  return verdicts.flatMap(({ settled }) => (settled.length > position ? [settled[position]] : []));
}

function countsAt(position: number, verdicts: ItemVerdict[]): Counts {
  const counts = zeroCounts();
  for (const result of resultsAt(position, verdicts)) addItem(counts, result);
  return counts;
}
