import type { JsonObject } from '../../../json.js';
import { isKnown } from '../expressions/analysis.js';
import { cellReference, isSameCell, type CellReference } from '../expressions/cell-reference.js';
import { suggest } from '../expressions/did-you-mean.js';
import { ExpressionError } from '../expressions/error.js';
import { ALL_SUCCEEDED, children, evaluateTree } from '../expressions/evaluate.js';
import type { Expression } from '../expressions/syntax.js';
import type { MatrixCell } from '../plan/plan.js';
import type { StageDocument } from '../read/document.js';
import { placeOf, type PlacedExpression } from '../read/node-expressions.js';
import { fileNameFault } from '../read/names.js';
import { cellStage, stageCells } from '../read/stage-cells.js';
import type { ProblemList } from '../problems/problems.js';
import type { PipelineTypes } from './value-types.js';

/** Most cells of a stage that has items in each of them. Each becomes a stage of the plan. */
const MAX_STAGES = 64;

/** Checks the cells of a stage with items in each of them, once, at its own matrix. */
export function checkCells(stage: StageDocument, types: PipelineTypes, problems: ProblemList): void {
  const found = types.stageCells(stage);
  const place = stage.variants?.place ?? stage.place;
  if (found?.cells === undefined) return;
  const { axes, cells } = found;
  const twice = axes.find((axis, index) => axes.indexOf(axis) !== index);
  if (twice !== undefined) {
    const message = `axis \`${twice}\` is also an axis of the stage that the items come from`;
    problems.error('conflicting-keys', place, message, 'rename one of them');
  }
  if (cells.length > MAX_STAGES) {
    const message = `stage \`${stage.name}\` has ${cells.length} cells with items in each; at most ${MAX_STAGES} are allowed`;
    problems.error('matrix-too-large', place, message);
    return;
  }
  const taken = takenNames(stage, types);
  for (const { key } of cells) {
    const name = cellStage(stage.name, key);
    const fault = fileNameFault(name);
    if (fault !== undefined) {
      problems.error(
        'bad-name',
        place,
        `\`${name}\`, the name of a cell, is not a valid folder name: ${fault}`,
      );
    } else if (taken.has(name.toLowerCase())) {
      const message = `the cell \`${key}\` and another stage would share the name \`${name}\``;
      problems.error('duplicate-stage', place, message, 'rename one of the stages');
    }
  }
}

export interface CellReferenceCheck {
  stage: StageDocument;
  types: PipelineTypes;
  /** Values of the params. */
  params: JsonObject;
  problems: ProblemList;
}

/**
 * Checks that `needs.X.cells[KEY]` exists for every cell of this stage, if KEY depends only on its values.
 */
export function checkCellReferences(
  check: CellReferenceCheck,
  expressions: readonly PlacedExpression[],
): void {
  for (const expression of expressions) {
    for (const tree of treesIn(expression.tree)) checkCellReference(check, expression, tree);
  }
}

function checkCellReference(check: CellReferenceCheck, expression: PlacedExpression, tree: Expression): void {
  const { stage, types, problems } = check;
  const reference = cellReference(tree);
  if (reference === undefined || reference.key.type === 'literal') return;
  const needed = types.stages.get(reference.stage);
  const cells = needed && types.stageCells(needed);
  if (cells?.cells === undefined) return;
  const keys = cells.cells.map(({ key }) => key);
  for (const { values } of ownCells(stage, types)) {
    const absent = isSameCell(reference) && cells.axes.find((axis) => values[axis] === undefined);
    if (absent !== false && absent !== undefined) {
      const message = `the cells of this stage have no value of \`${absent}\`, an axis of \`${reference.stage}\``;
      const hint = `add the axis to the matrix, or name one cell: cells['${keys[0]}']`;
      problems.error('unknown-cell', placeOf(expression, reference.key), message, hint);
      return;
    }
    const key = keyFor(check, expression, reference, cells.axes, values);
    if (key === undefined || keys.includes(key)) continue;
    const message = `stage \`${reference.stage}\` has no cell \`${key}\``;
    problems.error('unknown-cell', placeOf(expression, reference.key), message, suggest(key, keys, 'cells'));
    return;
  }
}

/** Undefined if the key depends on more than the values of the cell. */
function keyFor(
  { params }: CellReferenceCheck,
  { source }: PlacedExpression,
  reference: CellReference,
  axes: readonly string[],
  matrix: JsonObject,
): string | undefined {
  if (isSameCell(reference)) return axes.map((axis) => String(matrix[axis] as string | number)).join('-');
  const known = { params, matrix };
  if (!isKnown(reference.key, known)) return undefined;
  try {
    const key = evaluateTree(reference.key, source, known, ALL_SUCCEEDED);
    return typeof key === 'object' ? undefined : String(key);
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

function ownCells(stage: StageDocument, types: PipelineTypes): readonly MatrixCell[] {
  const origin = types.origin(stage);
  const items = origin?.source.kind === 'matrix' ? origin.source.cells : undefined;
  return types.stageCells(stage)?.cells ?? items ?? [];
}

function treesIn(tree: Expression): Expression[] {
  return [tree, ...children(tree).flatMap(treesIn)];
}

/** Names of all other stages, and of their cells, in lower case. */
function takenNames(stage: StageDocument, { stages }: PipelineTypes): Set<string> {
  const others = [...stages.values()].filter((other) => other !== stage);
  const names = others.flatMap((other) => {
    const cells = stageCells(other, stages)?.cells;
    return cells ? cells.map(({ key }) => cellStage(other.name, key)) : [other.name];
  });
  return new Set(names.map((name) => name.toLowerCase()));
}
