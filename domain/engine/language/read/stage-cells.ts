import type { MatrixCell } from '../plan/plan.js';
import type { StageDocument } from './document.js';

/** The axes and cells of a stage that has items in each cell. */
export interface StageCells {
  axes: readonly string[];
  /** Absent if the matrix has a mistake or depends on a param without a value. */
  cells?: readonly MatrixCell[];
}

/**
 * Returns the cells of a stage that combines `foreach` with `matrix`, or takes its items from such a stage:
 * then they are the cells of that stage, combined with its own. Undefined for any other stage.
 */
export function stageCells(
  stage: StageDocument,
  stages: ReadonlyMap<string, StageDocument>,
  seen: ReadonlySet<StageDocument> = new Set(),
): StageCells | undefined {
  const { source, variants: own } = stage;
  const before = source.kind === 'from' && !seen.has(stage) ? stages.get(source.stage.name) : undefined;
  const inherited = before && stageCells(before, stages, new Set([...seen, stage]));
  if (own === undefined || inherited === undefined) return own ?? inherited;
  const others = own.cells;
  const cells = others && inherited.cells?.flatMap((cell) => others.map((other) => combined(cell, other)));
  return { axes: [...inherited.axes, ...own.axes], cells };
}

function combined(a: MatrixCell, b: MatrixCell): MatrixCell {
  return { key: `${a.key}-${b.key}`, values: { ...a.values, ...b.values } };
}

/** Name of the stage that a plan has for a cell. */
export function cellStage(stage: string, key: string): string {
  return `${stage}-${key}`;
}
