import type { Expression } from './syntax.js';

/** `needs.extract.cells[KEY]` */
export interface CellReference {
  stage: string;
  key: Expression;
}

/** Returns the reference if the expression is one to a cell of a needed stage. */
export function cellReference(tree: Expression): CellReference | undefined {
  if (tree.type !== 'member' || tree.object.type !== 'member') return undefined;
  const { property, object } = tree.object;
  if (property.type !== 'literal' || property.value !== 'cells') return undefined;
  const stage = neededStage(object);
  return stage === undefined ? undefined : { stage, key: tree.property };
}

/** `extract` for `needs.extract` */
export function neededStage(tree: Expression): string | undefined {
  if (tree.type !== 'member' || tree.object.type !== 'name' || tree.object.name !== 'needs') return undefined;
  const { property } = tree;
  return property.type === 'literal' && typeof property.value === 'string' ? property.value : undefined;
}

/** Whether the key is `matrix`: the cell that has the same values as the one of the stage. */
export function isSameCell({ key }: CellReference): boolean {
  return key.type === 'name' && key.name === 'matrix';
}
