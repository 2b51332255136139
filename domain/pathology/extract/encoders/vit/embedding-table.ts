import { readTensorValues, type TensorLayout } from '../../../../files/torch/torch-layout.js';
import { resamplePositions } from './position-grid.js';
import { storedGrid } from './stored-grid.js';
import type { VitLayout } from './vit-layouts.js';
import type { PositionRule } from './vit-options.js';
import { type VitShape, vitWeights } from './vit-tensors.js';

interface Embedding {
  layout: VitLayout;
  shape: VitShape;
  /** Patches per side of the image. */
  grid: number;
  folder: string;
  imageSize?: number;
  positions?: PositionRule;
}

/**
 * Computes what is added to the embedded patches of every image: class token and registers before them, and
 * the positions, resampled to the grid of the image.
 *
 * @returns tokens x width
 * @throws SamMilError as `storedGrid`
 */
export function embeddingTable(
  tensors: ReadonlyMap<string, TensorLayout>,
  { layout, shape, grid, folder, imageSize, positions }: Embedding,
): Float32Array {
  const { width, registers, registerName } = shape;
  const weights = vitWeights(tensors, layout);
  const { names, trunk } = layout;
  const read = (name: string, rows: number): Float32Array =>
    readTensorValues(folder, weights.tensor(name, [1, rows, width]));
  const { before, side } = storedGrid(weights, layout, shape, imageSize);
  const stored = read(trunk + names.positions, shape.positions);
  const rule = positions ?? layout.positions(registers);
  const table = new Float32Array((1 + registers + grid * grid) * width);
  table.set(read(trunk + names.classToken, 1));
  if (registerName !== undefined) table.set(read(registerName, registers), width);
  for (let i = 0; i < before * width; i++) table[i] += stored[i];
  const patches = resamplePositions(stored.subarray(before * width), { side, wanted: grid, width }, rule);
  table.set(patches, (1 + registers) * width);
  return table;
}
