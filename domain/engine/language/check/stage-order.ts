import { suggest } from '../expressions/did-you-mean.js';
import type { StageDocument } from '../read/document.js';
import type { ProblemList } from '../problems/problems.js';

/**
 * Reports needs on stages that do not exist, stages that need themselves, and cycles. Each cycle is
 * reported once.
 */
export function checkNeeds(stages: readonly StageDocument[], problems: ProblemList): void {
  const names = stages.map(({ name }) => name);
  for (const stage of stages) {
    const others = names.filter((name) => name !== stage.name);
    for (const { name, place } of stage.needs) {
      if (names.includes(name)) continue;
      problems.unknown(
        { kind: 'stage', name },
        'unknown-need',
        place,
        `stage \`${name}\` does not exist`,
        suggest(name, others, 'stages'),
      );
    }
  }
  for (const cycle of cycles(stages)) {
    const names = cycle.map(({ name }) => name);
    const path = [...names, names[0]].join(' → ');
    const next = names[1] ?? names[0];
    const need = cycle[0].needs.find(({ name }) => name === next);
    const message =
      names.length === 1
        ? `stage \`${names[0]}\` needs itself`
        : `the needs of these stages form a cycle: ${path}`;
    problems.error('cycle', need?.place ?? cycle[0].place, message, 'remove one of these needs');
  }
}

/**
 * Orders the stages so that each comes after the stages it needs, otherwise in file order. Stages in cycles
 * are left out.
 */
export function orderStages(stages: readonly StageDocument[]): StageDocument[] {
  const ordered: StageDocument[] = [];
  const done = new Set<string>();
  let rest = [...stages];
  for (;;) {
    const ready = rest.find(({ needs }) => needs.every(({ name }) => done.has(name)));
    if (ready === undefined) return ordered;
    ordered.push(ready);
    done.add(ready.name);
    rest = rest.filter((stage) => stage !== ready);
  }
}

/**
 * Finds cycles of needs, each beginning with its first stage in the file. The search is depth-first without
 * recursion, because files may contain thousands of stages.
 */
function cycles(stages: readonly StageDocument[]): StageDocument[][] {
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  const finished = new Set<StageDocument>();
  const found: StageDocument[][] = [];
  for (const start of stages) {
    const path: { stage: StageDocument; next: number }[] = [{ stage: start, next: 0 }];
    while (path.length > 0) {
      const top = path[path.length - 1];
      const need = finished.has(top.stage) ? undefined : top.stage.needs[top.next++];
      if (need === undefined) {
        finished.add(top.stage);
        path.pop();
        continue;
      }
      const target = byName.get(need.name);
      if (target === undefined || finished.has(target)) continue;
      const at = path.findIndex(({ stage }) => stage === target);
      if (at >= 0) found.push(path.slice(at).map(({ stage }) => stage));
      else path.push({ stage: target, next: 0 });
    }
  }
  return found;
}
