import type { ModelWeights } from '../../../../machine/onnx/model-weights.js';
import { SamMilError } from '../../../../errors.js';
import type { VitLayout } from './vit-layouts.js';
import type { VitShape } from './vit-tensors.js';

/** How the stored positions are arranged: rows before the grid, and positions per side of it. */
export interface StoredGrid {
  /** Rows that belong to no patch: 0, 1 (class token), or 1 + registers. */
  before: number;
  side: number;
}

/** Lists the arrangements that the number of positions allows. */
export function possibleGrids(layout: VitLayout, { positions, registers }: VitShape): StoredGrid[] {
  return rowsBefore(layout, registers).flatMap((before): StoredGrid[] => {
    const side = Math.round(Math.sqrt(positions - before));
    return side > 0 && side * side === positions - before ? [{ before, side }] : [];
  });
}

function rowsBefore({ classPosition }: VitLayout, registers: number): number[] {
  return classPosition ? [1] : [...new Set([0, 1, 1 + registers])];
}

/**
 * Finds out how many of the stored positions belong to patches. Several answers may be possible with
 * registers (25 rows and 8 registers: 5 x 5, or 9 + 4 x 4), so the image size decides if it is given.
 * @throws SamMilError UnsupportedFormat if the positions do not form a square; InvalidInput if they form
 *   several and `imageSize` is missing
 */
export function storedGrid(
  weights: ModelWeights,
  layout: VitLayout,
  shape: VitShape,
  imageSize?: number,
): StoredGrid {
  const { positions, registers, patch } = shape;
  const name = layout.trunk + layout.names.positions;
  const before = rowsBefore(layout, registers);
  const possible = possibleGrids(layout, shape);
  const fitting = possible.filter(({ side }) => imageSize === undefined || side * patch === imageSize);
  if (fitting.length === 1) return fitting[0];
  const forms = possible.map(({ before: rows, side }) => `${rows} + ${side} x ${side}`);
  if (fitting.length > 1) {
    const sizes = possible.map(({ side }) => side * patch);
    throw new SamMilError('InvalidInput', `the ${positions} positions of ${name} can mean several grids`, {
      file: weights.file,
      expected: `\`image-size\`: ${sizes.join(' or ')}`,
      found: forms.join(' or '),
      next: 'set `image-size` in the encoder file to the side of the images that the checkpoint was trained with',
    });
  }
  throw weights.refusal(`has positions in ${name} that do not form the grid of an image`, {
    expected:
      imageSize === undefined
        ? `a square number of patches, and ${before.join(' or ')} rows before them`
        : `${before.map((rows) => rows + Math.floor(imageSize / patch) ** 2).join(' or ')} rows for images of ${imageSize} pixels and patches of ${patch}`,
    found: `${positions} rows${forms.length > 0 ? ` (${forms.join(' or ')})` : ''}`,
  });
}
