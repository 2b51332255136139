import { suggest } from './expressions/did-you-mean.js';
import { SamMilError } from '../../errors.js';
import type { Plan, StagePlan } from './plan/plan.js';

/**
 * `--only`, `--until` and `--from`. Each value is `STAGE` or, for `only`, `STAGE@item`. `only` cannot be
 * combined with the other two.
 */
export interface Selection {
  /** Only these stages. The results of the stages that they need must already exist. */
  only?: readonly string[];
  /** These stages and all stages that they need. */
  until?: readonly string[];
  /** These stages and all stages that need them. The results of earlier stages must already exist. */
  from?: readonly string[];
}

export interface SelectedPlan {
  /** The stages to run, and, marked with `reuse`, the stages whose results they use. */
  plan: Plan;
  /** Keys of the items to run, by stage. A stage without an entry runs all its items. */
  items: Record<string, string[]>;
}

/**
 * Returns the part of a plan that a selection requests.
 * @throws SamMilError InvalidInput if a stage or matrix cell does not exist, or if the options cannot be
 *   combined
 */
export function selectStages(plan: Plan, selection: Selection): SelectedPlan {
  const { only = [], until = [], from = [] } = selection;
  if (only.length > 0 && until.length + from.length > 0) {
    throw new SamMilError('InvalidInput', '--only cannot be combined with --until or --from', {
      next: 'use --only alone, or --from and --until together',
    });
  }
  if (only.length + until.length + from.length === 0) return { plan, items: {} };
  const targets = only.flatMap((target) => parseTarget(plan, target));
  const selected = only.length > 0 ? new Set(targets.map(({ stage }) => stage)) : between(plan, until, from);
  if (selected.size === 0) {
    throw new SamMilError(
      'InvalidInput',
      `no stage is between --from ${from.join(', ')} and --until ${until.join(', ')}`,
    );
  }
  const kept = reach(plan, selected, listNeeds);
  const stages = plan.stages
    .filter(({ name }) => kept.has(name))
    .map((stage) => (selected.has(stage.name) ? stage : { ...stage, reuse: true }));
  return { plan: { ...plan, stages }, items: selectItems(targets) };
}

function between(plan: Plan, until: readonly string[], from: readonly string[]): Set<string> {
  const whole = (names: readonly string[]) =>
    new Set(names.flatMap((name) => findStages(plan, name).map((stage) => stage.name)));
  const upTo = until.length === 0 ? undefined : reach(plan, whole(until), listNeeds);
  const onwards = from.length === 0 ? undefined : reach(plan, whole(from), listDependents);
  const names = plan.stages.map(({ name }) => name);
  return new Set(names.filter((name) => (upTo?.has(name) ?? true) && (onwards?.has(name) ?? true)));
}

/** The start names and every name that can be reached from them through `next`. */
function reach(
  plan: Plan,
  start: ReadonlySet<string>,
  next: (plan: Plan, name: string) => string[],
): Set<string> {
  const reached = new Set(start);
  for (const name of reached) for (const following of next(plan, name)) reached.add(following);
  return reached;
}

function listNeeds(plan: Plan, name: string): string[] {
  return plan.stages.find((stage) => stage.name === name)?.needs ?? [];
}

function listDependents(plan: Plan, name: string): string[] {
  return plan.stages.filter(({ needs }) => needs.includes(name)).map((stage) => stage.name);
}

interface Target {
  stage: string;
  item?: string;
}

/**
 * Parses a target such as `train@sam-mil-0-2`: the part after the first `@` is the item key. A stage with
 * items in each cell gives one target per cell.
 */
function parseTarget(plan: Plan, text: string): Target[] {
  const at = text.indexOf('@');
  const stages = findStages(plan, at < 0 ? text : text.slice(0, at));
  if (at < 0) return stages.map(({ name }) => ({ stage: name }));
  const item = text.slice(at + 1);
  return stages.map((stage) => ({ stage: stage.name, item: requireItem(plan, stage, item) }));
}

function requireItem(plan: Plan, stage: StagePlan, item: string): string {
  const keys = cellKeys(plan, stage);
  if (item !== '' && (keys === undefined || keys.includes(item))) return item;
  throw new SamMilError('InvalidInput', `stage \`${stage.name}\` has no item \`${item}\``, {
    next: suggest(item, keys ?? [], 'items'),
  });
}

/**
 * Rejects a `--force` target that does not exist. Otherwise a typing error would silently force nothing.
 * @throws SamMilError InvalidInput if a stage or matrix cell does not exist */
export function checkForced(plan: Plan, force: readonly string[] = []): void {
  for (const target of force) if (target !== '*') parseTarget(plan, target);
}

/**
 * Keys of a stage's items if the plan contains them, that is, for matrix cells of this stage or of the stage
 * that it takes its items from.
 */
function cellKeys(plan: Plan, stage: StagePlan): string[] | undefined {
  const { source } = stage;
  if (source.kind === 'matrix') return source.cells.map(({ key }) => key);
  return source.kind === 'from' ? cellKeys(plan, findStages(plan, source.stage)[0]) : undefined;
}

/** The stage of this name, or all cells of a stage of the file. */
function findStages(plan: Plan, name: string): StagePlan[] {
  const found = plan.stages.filter((stage) => stage.name === name || stage.of === name);
  if (found.length > 0) return found;
  const names = [...new Set(plan.stages.flatMap((stage) => [stage.of ?? stage.name, stage.name]))];
  throw new SamMilError('InvalidInput', `stage \`${name}\` does not exist`, {
    next: suggest(name, names, 'choose one of the stages'),
  });
}

/** A stage that is also requested without an item runs all its items. */
function selectItems(targets: readonly Target[]): Record<string, string[]> {
  const whole = new Set(targets.filter(({ item }) => item === undefined).map(({ stage }) => stage));
  const items: Record<string, string[]> = {};
  for (const { stage, item } of targets) {
    if (item !== undefined && !whole.has(stage)) (items[stage] ??= []).push(item);
  }
  return items;
}
