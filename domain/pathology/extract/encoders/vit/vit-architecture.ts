import type { TensorLayout } from '../../../../files/torch/torch-layout.js';
import type { NetworkNames } from '../../../../machine/onnx/network-tensors.js';
import { poolerNames } from './conch-pooler.js';
import { storedGrid } from './stored-grid.js';
import { buildVit, defaultOutput, vitDim, type VitGraphOptions } from './vit-graph.js';
import { vitLayout } from './vit-layouts.js';
import type { VitOptions } from './vit-options.js';
import { readVitShape, vitWeights } from './vit-tensors.js';

type Tensors = ReadonlyMap<string, TensorLayout>;

/**
 * The names in a checkpoint of a vision transformer, and the tensors that its layout is known to carry
 * unused. CONCH's pooler is unused if the features do not come from it.
 */
export function vitNames(tensors: Tensors, prefix: string | undefined, options: VitOptions): NetworkNames {
  const layout = vitLayout(tensors.keys(), prefix);
  const pooled = (options.output ?? defaultOutput(layout)) === 'pooled';
  return { anchor: layout.anchor, unused: [...layout.unused, ...(pooled ? [] : poolerNames(layout))] };
}

/**
 * Returns the length of the features, the side of the images that the stored positions are for, and the patch
 * size, of which other sides must be a multiple.
 * @throws SamMilError as `buildVit`
 */
export function vitSizes(
  tensors: Tensors,
  options: VitOptions,
): { dim: number; native: number; multipleOf: number } {
  const layout = vitLayout(tensors.keys());
  const weights = vitWeights(tensors, layout);
  const shape = readVitShape(tensors, layout);
  const { side } = storedGrid(weights, layout, shape, options.imageSize);
  const dim = vitDim(weights, layout, shape, options.output ?? defaultOutput(layout));
  return { dim, native: side * shape.patch, multipleOf: shape.patch };
}

export function buildVitOf(tensors: Tensors, options: VitGraphOptions): Uint8Array {
  return buildVit(tensors, vitLayout(tensors.keys()), options);
}
