import type { Plan, StagePlan } from '../domain/language/plan.js';
import { invalid } from './errors.js';

/** `--only STAGE[@ITEM]`, `--until STAGE`, `--from STAGE`. */
export interface Selection {
  only?: string[];
  until?: string;
  from?: string;
}

/**
 * The part of a plan that was asked for. Stages that a chosen one needs stay in the plan: their receipts give what it needs, and where those do not
 * stand they run too. Throws `InvalidInput` for a stage or cell that is not there.
 */
export function selectStages(
  plan: Plan,
  { only = [], until, from }: Selection,
): { plan: Plan; items?: Record<string, string[]> } {
  const targets = only.map(parseTarget);
  [...targets.map(({ stage }) => stage), until, from].forEach(
    (name) => name !== undefined && stageOf(plan, name),
  );
  let wanted = new Set(plan.stages.map(({ name }) => name));
  if (targets.length > 0)
    wanted = intersection(
      wanted,
      withNeeds(
        plan,
        targets.map(({ stage }) => stage),
      ),
    );
  if (until !== undefined) wanted = intersection(wanted, withNeeds(plan, [until]));
  if (from !== undefined) wanted = intersection(wanted, withNeeds(plan, [...followersOf(plan, from)]));
  const items = itemsOf(plan, targets);
  const stages = plan.stages.filter(({ name }) => wanted.has(name));
  return { plan: { ...plan, stages }, ...(items === undefined ? {} : { items }) };
}

interface Target {
  stage: string;
  item?: string;
}

function parseTarget(text: string): Target {
  const at = text.indexOf('@');
  return at < 0 ? { stage: text } : { stage: text.slice(0, at), item: text.slice(at + 1) };
}

function itemsOf(plan: Plan, targets: readonly Target[]): Record<string, string[]> | undefined {
  const items: Record<string, string[]> = {};
  for (const { stage, item } of targets) {
    if (item === undefined) continue;
    const { source } = stageOf(plan, stage);
    if (source.kind === 'matrix' && !source.cells.some(({ key }) => key === item)) {
      const cells = source.cells.slice(0, 6).map(({ key }) => key);
      throw invalid(
        `stage ${stage} has no cell ${item}`,
        `cells: ${cells.join(', ')}${source.cells.length > 6 ? ', ...' : ''}`,
      );
    }
    items[stage] = [...(items[stage] ?? []), item];
  }
  return Object.keys(items).length === 0 ? undefined : items;
}

function withNeeds(plan: Plan, names: readonly string[]): Set<string> {
  const all = new Set<string>();
  const add = (name: string) => {
    if (all.has(name)) return;
    all.add(name);
    stageOf(plan, name).needs.forEach(add);
  };
  names.forEach(add);
  return all;
}

/** A stage and all that need it, in one step or several. */
function followersOf(plan: Plan, name: string): Set<string> {
  const followers = new Set([name]);
  for (const stage of plan.stages) {
    if (stage.needs.some((need) => followers.has(need))) followers.add(stage.name);
  }
  return followers;
}

function stageOf(plan: Plan, name: string): StagePlan {
  const stage = plan.stages.find((candidate) => candidate.name === name);
  if (stage !== undefined) return stage;
  throw invalid(
    `the pipeline has no stage "${name}"`,
    `stages: ${plan.stages.map((known) => known.name).join(', ')}`,
  );
}

function intersection(a: Set<string>, b: Set<string>): Set<string> {
  return new Set([...a].filter((value) => b.has(value)));
}
