import { encoderNeck } from './encoder-neck.js';
import { relativeAttention } from './relative-attention.js';
import type { SamCheckpoint } from './sam-checkpoint.js';
import type { SamLayers } from './sam-layers.js';
import { joinWindows, splitWindows } from './windows.js';

const EPSILON = 1e-6;
const ENCODER = 'image_encoder';

/** Sizes of a ViT image encoder, from tensor shapes. */
export interface VitSizes {
  width: number;
  /** Pixels per side of a patch. */
  patch: number;
  grid: number;
  mlp: number;
  /** Per block: attention heads, and the side of its windows, which equals the grid for global attention. */
  blocks: { heads: number; window: number }[];
}

/** @throws SamMilError UnsupportedFormat naming the tensor that does not fit */
export function vitSizes(checkpoint: SamCheckpoint): VitSizes {
  const [, grid, , width] = checkpoint.shape(`${ENCODER}.pos_embed`, [1, undefined, undefined, undefined]);
  checkpoint.shape(`${ENCODER}.pos_embed`, [1, grid, grid, width]);
  const projection = `${ENCODER}.patch_embed.proj.weight`;
  const [, , patch] = checkpoint.shape(projection, [width, 3, undefined, undefined]);
  checkpoint.shape(projection, [width, 3, patch, patch]);
  const depth = checkpoint.count(`${ENCODER}.blocks.`);
  const [mlp] = checkpoint.shape(`${ENCODER}.blocks.0.mlp.lin1.weight`, [undefined, width]);
  const blocks = Array.from({ length: depth }, (_, index) => blockSizes(checkpoint, index, width, grid));
  return { width, patch, grid, mlp, blocks };
}

/**
 * A table of relative positions has 2 s - 1 rows for windows of side s and one column per channel of a head.
 */
function blockSizes(
  checkpoint: SamCheckpoint,
  index: number,
  width: number,
  grid: number,
): VitSizes['blocks'][0] {
  const name = `${ENCODER}.blocks.${index}.attn.rel_pos_h`;
  const [rows, channels] = checkpoint.shape(name, [undefined, undefined]);
  const window = (rows + 1) / 2;
  const heads = width / channels;
  if (!Number.isInteger(window) || window > grid || !Number.isInteger(heads)) {
    const expected = `an odd number of rows, at most ${2 * grid - 1}, and columns that divide ${width}`;
    throw checkpoint.misfit(name, expected, `[${rows}, ${channels}]`);
  }
  return { heads, window };
}

/**
 * Adds the image encoder of Segment Anything to the graph: a plain vision transformer whose blocks mostly
 * attend within windows, with relative positions decomposed into rows and columns (Li et al., "Exploring
 * Plain Vision Transformer Backbones for Object Detection", ECCV 2022).
 *
 * @param image [1, 3, side, side], normalized
 * @returns the embedding [1, channels, grid, grid]
 */
export function vitEncoder(layers: SamLayers, image: string, sizes: VitSizes): string {
  const { width, patch, grid, blocks } = sizes;
  const tokens = grid * grid;
  const kernel = layers.weight(`${ENCODER}.patch_embed.proj.weight`, [width, 3, patch, patch]);
  const bias = layers.weight(`${ENCODER}.patch_embed.proj.bias`, [width]);
  let x = layers.op('Conv', [image, kernel, bias], { kernel_shape: [patch, patch], strides: [patch, patch] });
  x = layers.reshape(layers.transpose(x, [0, 2, 3, 1]), [tokens, width]);
  layers.stage('patch_embed', x, [tokens, width]);
  const positions = layers.weight(`${ENCODER}.pos_embed`, [1, grid, grid, width]);
  x = layers.add(x, layers.reshape(positions, [tokens, width]));
  blocks.forEach((block, index) => {
    x = vitBlock(layers, x, `${ENCODER}.blocks.${index}`, { ...sizes, ...block });
    layers.stage(`blocks.${index}`, x, [tokens, width]);
  });
  return encoderNeck(layers, x, { width, grid });
}

/** @param x [grid * grid, width], like the result */
function vitBlock(
  layers: SamLayers,
  x: string,
  name: string,
  sizes: VitSizes & { heads: number; window: number },
): string {
  const { width, grid, mlp, window } = sizes;
  let y = layers.layerNorm(x, `${name}.norm1`, width, EPSILON);
  if (window < grid) y = splitWindows(layers, y, { grid, window, width });
  y = relativeAttention(layers, y, `${name}.attn`, { ...sizes, windows: Math.ceil(grid / window) ** 2 });
  if (window < grid) y = joinWindows(layers, y, { grid, window, width });
  y = layers.add(x, layers.linear(y, `${name}.attn.proj`, width, width));
  let z = layers.layerNorm(y, `${name}.norm2`, width, EPSILON);
  z = layers.gelu(layers.linear(z, `${name}.mlp.lin1`, width, mlp));
  return layers.add(y, layers.linear(z, `${name}.mlp.lin2`, mlp, width));
}
