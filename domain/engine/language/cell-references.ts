import type { Json } from '../../json.js';
import { changeTemplate } from './expressions/analysis.js';
import { cellReference, isSameCell, neededStage } from './expressions/cell-reference.js';
import { printExpression } from './expressions/print.js';
import { parseExpression, type Expression } from './expressions/syntax.js';

/** How the references of a stage to stages with cells are resolved. */
export interface CellReferences {
  /** The axes of the stages of the file that have items in each cell. */
  axes: ReadonlyMap<string, readonly string[]>;
  /** The stage that the items come from, and its cell in the plan. */
  from?: { stage: string; cell: string };
}

/** Applies {@link CellReferences} to a template. */
export function resolveCells(value: Json, cells: CellReferences): Json {
  return cells.axes.size === 0 ? value : changeTemplate(value, (tree) => change(tree, cells));
}

/** The same for the expression of a condition. */
export function resolveCellsOfCondition(source: string, cells: CellReferences): string {
  return cells.axes.size === 0 ? source : printExpression(change(parseExpression(source), cells));
}

/**
 * Refers to the stages of the plan: `needs.extract.cells[KEY]` becomes `needs['extract-KEY']`, and the stage
 * that the items come from becomes its cell.
 */
function change(tree: Expression, cells: CellReferences): Expression {
  const stage = plannedStage(tree, cells);
  if (stage) return member(name('needs', tree), stage);
  switch (tree.type) {
    case 'member':
      return { ...tree, object: change(tree.object, cells), property: change(tree.property, cells) };
    case 'call':
      return { ...tree, arguments: tree.arguments.map((argument) => change(argument, cells)) };
    case 'unary':
      return { ...tree, operand: change(tree.operand, cells) };
    case 'binary':
      return { ...tree, left: change(tree.left, cells), right: change(tree.right, cells) };
    default:
      return tree;
  }
}

/** The name of the stage of the plan that the expression refers to; undefined for other expressions. */
function plannedStage(tree: Expression, cells: CellReferences): Expression | undefined {
  const { from, axes } = cells;
  if (from !== undefined && neededStage(tree) === from.stage) return text(from.cell, tree);
  const reference = cellReference(tree);
  if (reference === undefined) return undefined;
  const { stage, key } = reference;
  const own = axes.get(stage);
  if (own === undefined) return undefined;
  if (isSameCell(reference)) {
    return joined([text(stage, tree), ...own.map((axis) => member(key, text(axis, tree)))], tree);
  }
  if (key.type !== 'literal') return joined([text(stage, tree), change(key, cells)], tree);
  return text(`${stage}-${key.value as string | number}`, tree);
}

function joined(parts: Expression[], at: Expression): Expression {
  const form = parts.map((_, index) => `{${index}}`).join('-');
  return {
    type: 'call',
    name: 'format',
    arguments: [text(form, at), ...parts],
    start: at.start,
    end: at.end,
  };
}

function member(object: Expression, property: Expression): Expression {
  return { type: 'member', object, property, start: property.start, end: property.end };
}

function name(value: string, { start, end }: Expression): Expression {
  return { type: 'name', name: value, start, end };
}

function text(value: string, { start, end }: Expression): Expression {
  return { type: 'literal', value, start, end };
}
